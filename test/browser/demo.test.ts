import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { demoDatabase, nothing } from "../../apps/demo/test/demo-process.ts";
import { until } from "./shop.ts";
import { type Browser, startBrowser } from "./tab.ts";

const { demo, left } = demoDatabase("board_story");
let browser: Browser;

beforeAll(async () => {
  browser = await startBrowser(inject("chromium"));
});
afterAll(() => browser?.close());

test("in the demo a dead job is found, why it failed is read, the cause mended, and it is redriven and completes", async () => {
  const { child, ended, prints } = demo("dashboard");
  let printed = "";
  child.stdout!.on("data", (text) => {
    printed += text;
  });
  await prints("Ctrl-C closes the shop.");
  const tab = await browser.open(/http:\S+/.exec(printed)![0]);
  const { page } = tab;

  // Where the page opens it says what needs somebody, and leads there.
  await page.getByRole("link", { name: /^Look at: .*queue "billing" (is|are) dead/ }).click();
  await page.getByRole("heading", { level: 1, name: "Dead" }).waitFor();
  const group = page.getByRole("listitem").filter({ hasText: "invoice.write" });
  await group.getByText("there is no tax rate for PT").first().waitFor();
  const job = group.locator(".group-ids .id").last();
  const id = (await job.textContent())!;
  await job.click();
  const why = page.getByRole("region", { name: "Why it is dead" });
  await why.getByText("there is no tax rate for PT").first().waitFor();
  await why
    .getByText(/handlers\.ts/)
    .first()
    .waitFor();
  await page.getByRole("button", { name: "Show" }).click();
  await page.getByText('"country": "PT"').waitFor();

  child.stdin!.write("\n");
  await prints("The tax rate of Portugal is there now.");

  await page.getByRole("link", { name: "Dead", exact: true }).click();
  await group.getByRole("button", { name: "Redrive …" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText(/This brings back \d+ jobs? of this error/).waitFor();
  await dialog.getByRole("button", { name: /^Redrive/ }).click();
  await page
    .getByRole("status")
    .getByText(/^\d+ jobs? (is|are) ready again\./)
    .waitFor();
  await page.getByRole("link", { name: "Watch them" }).click();
  // Those that were redriven, and no newer ones.
  await page.getByRole("button", { name: /^Only \d+ jobs?, by id/ }).waitFor();
  const rows = page.locator(".jobs tbody tr");
  await rows.filter({ hasText: id }).getByText("completed").waitFor();
  await until(async () => (await rows.count()) === (await rows.getByText("completed").count()));
  await page.getByRole("link", { name: "Dead", exact: true }).click();
  await page.getByText("No job is dead.").waitFor();
  expect(tab.faults()).toEqual([]);

  child.kill("SIGINT");
  expect((await ended).code).toBe(130);
  expect(await left()).toEqual(nothing);
});
