import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { manyMail, sendMail } from "./jobs.ts";
import { boardPlace, type Place } from "./place.ts";
import { until } from "./shop.ts";
import { type Browser, startBrowser } from "./tab.ts";

// What is only seen where there is much: further pages of each list.

let place: Place;
let browser: Browser;

beforeAll(async () => {
  place = await boardPlace(inject("databaseUrl"), "far");
  browser = await startBrowser(inject("chromium"));
});
afterAll(async () => {
  await browser?.close();
  await place?.close();
});

test("a job that its filter alone finds is reached by looking further back", async () => {
  const { id } = await place.admin.enqueue(sendMail({ to: "long ago" }));
  await place.query(
    "insert into pillion.job (queue, name, payload) select 'many', 'mail.many', '1' from generate_series(1, 101000)",
  );
  const tab = await browser.open(`${place.board}/jobs?name=mail.send`);
  const { page } = tab;
  await page.getByText("None among 100,000 jobs that may match.").waitFor();
  const rows = page.locator(".jobs tbody tr");
  while ((await rows.count()) === 0) {
    const before = page.url();
    await page.getByRole("button", { name: "Look further back" }).click();
    await page.waitForURL((url) => url.href !== before);
    await page.getByText("None among").or(rows.first()).waitFor();
  }
  await rows.getByRole("link", { name: `Job ${id}, mail.send` }).waitFor();
  await page.getByRole("button", { name: "Newest" }).click();
  await page.getByText("None among 100,000 jobs that may match.").waitFor();
  expect(tab.faults()).toEqual([]);
  await tab.close();
});

test("more schedules than a page holds are on the next one", async () => {
  for (let at = 0; at < 201; at++)
    await place.admin.schedules.set({
      name: `mail ${String(at).padStart(3, "0")}`,
      everyMs: 3_600_000,
      job: manyMail(at),
    });
  const tab = await browser.open(`${place.board}/schedules`);
  const { page } = tab;
  const schedules = page.locator("main ul.groups > li");
  await until(async () => (await schedules.count()) === 200);
  await page.getByRole("button", { name: "Next", exact: true }).click();
  await until(async () => (await schedules.count()) === 1);
  await page.getByRole("heading", { name: "mail 200" }).waitFor();
  await page.getByRole("button", { name: "First", exact: true }).click();
  await until(async () => (await schedules.count()) === 200);
  expect(tab.faults()).toEqual([]);
  await tab.close();
});

test("the doctor looks again when asked to", async () => {
  const tab = await browser.open(`${place.board}/doctor`);
  const { page } = tab;
  await page.getByText(/^Looked at/).waitFor();
  const asked = () => place.requests.filter((request) => request.includes("/api/doctor")).length;
  const before = asked();
  await page.getByRole("button", { name: "Look again" }).click();
  await until(async () => asked() > before);
  expect(tab.faults()).toEqual([]);
  await tab.close();
});
