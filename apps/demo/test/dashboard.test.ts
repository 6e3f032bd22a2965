import { expect, test } from "vitest";
import { demoDatabase, nothing } from "./demo-process.ts";

const { demo, left } = demoDatabase("dashboard");

test("the demo's board opens at the address that it prints, and is gone after Ctrl-C with all that it made", async () => {
  const { child, ended, prints } = demo("dashboard");
  let printed = "";
  child.stdout!.on("data", (text) => {
    printed += text;
  });
  await prints("Ctrl-C closes the shop.");
  const url = new URL(/http:\S+/.exec(printed)![0]);
  const entered = await fetch(url, { redirect: "manual" });
  const cookie = entered.headers.get("set-cookie")!.split(";")[0]!;
  const { schedules } = (await (
    await fetch(new URL("/api/schedules", url), { headers: { cookie } })
  ).json()) as {
    schedules: { name: string }[];
  };
  expect(schedules.map(({ name }) => name)).toEqual(["daily report"]);
  child.kill("SIGINT");
  expect((await ended).code).toBe(130);
  expect(await left()).toEqual(nothing);
});
