import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { deepMail, manyMail, sendMail } from "./jobs.ts";
import { boardPlace, type Place } from "./place.ts";
import { openShop, type Shop, until } from "./shop.ts";
import { type Browser, startBrowser } from "./tab.ts";

let place: Place;
let shop: Shop;
let browser: Browser;

beforeAll(async () => {
  place = await boardPlace(inject("databaseUrl"), "live");
  shop = await openShop(place);
  browser = await startBrowser(inject("chromium"));
});
afterAll(async () => {
  await browser?.close();
  await place?.close();
});

test("what happens appears by itself, without the page being loaded again", async () => {
  const tab = await browser.open(`${place.board}/jobs?name=mail.send`);
  const rows = tab.page.locator(".jobs tbody tr");
  await until(async () => (await rows.count()) > 30);
  const { id } = await place.admin.enqueue(sendMail({ to: "new@example.com" }));
  await rows.filter({ hasText: id }).getByText("completed").waitFor();
  expect(place.requests.filter((request) => request === "GET /admin/jobs/jobs?name=mail.send").length).toBe(
    1,
  );
  expect(tab.faults()).toEqual([]);
  await tab.close();
});

test("a tab that is hidden asks nothing, and asks at once when it is shown again", async () => {
  const tab = await browser.open(`${place.board}/queues`);
  const asked = () => place.requests.filter((request) => request.includes("/api/")).length;
  await tab.page.clock.install();
  const before = asked();
  await until(async () => asked() >= before + 3);
  await tab.hide(true);
  await tab.page.waitForLoadState("networkidle");
  const hidden = asked();
  await tab.page.clock.runFor("10:00");
  await tab.page.waitForLoadState("networkidle");
  expect(asked()).toBe(hidden);
  await tab.hide(false);
  await until(async () => asked() > hidden);
  expect(tab.faults()).toEqual([]);
  await tab.close();
});

test("a database that goes away is told, what was seen stays, and the page goes on when it is back", async () => {
  const tab = await browser.open(`${place.board}/queues`);
  const { page } = tab;
  await page.getByRole("heading", { name: "billing" }).waitFor();
  await place.gate.shut();
  await page
    .getByRole("status")
    .getByText(/What you see is from/)
    .waitFor();
  await page.getByRole("heading", { name: "billing" }).waitFor();
  // An action says so too, and does nothing.
  await page.getByRole("button", { name: "Pause" }).first().click();
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await page.getByRole("dialog").getByRole("alert").waitFor();
  await page.getByRole("button", { name: "Not now" }).click();
  // So does a page that has never had an answer.
  await page.getByRole("link", { name: "Workers" }).click();
  await page.getByRole("alert").waitFor();
  await place.gate.open();
  await page.getByRole("heading", { level: 2 }).first().waitFor();
  await until(async () => (await page.locator(".connection.is-lost").count()) === 0);
  expect((await place.admin.queues()).every(({ pausedAt }) => pausedAt === null)).toBe(true);
  // Chromium tells its console of each 503, and of nothing else.
  expect(tab.faults().filter((fault) => !/status of 503/.test(fault))).toEqual([]);
  await tab.close();
});

test("the depth of each queue is charted for as long as the page is open, whichever of its pages is shown meanwhile", async () => {
  await place.admin.pause("deep");
  for (let at = 0; at < 7; at++) await place.admin.enqueue(deepMail(at));
  const tab = await browser.open(`${place.board}/`);
  const { page } = tab;
  const panel = page.getByRole("region", { name: "Depth" });
  await panel.getByText(/^ · watched here since \d\d:\d\d:\d\d$/).waitFor();
  await panel.getByRole("img", { name: /deep 7/ }).waitFor();
  await panel.locator(".legend").getByText("deep", { exact: true }).waitFor();
  const curve = page.getByRole("img", { name: /^Ready in deep since .*: at most 7$/ });
  await curve.waitFor();
  const since = await curve.getAttribute("aria-label");
  await place.admin.purge("deep");
  await page.getByRole("link", { name: "Queues", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Queues" }).waitFor();
  await page.getByRole("link", { name: "Overview", exact: true }).click();
  await panel.getByRole("img", { name: /deep 0|none/ }).waitFor();
  expect(await curve.getAttribute("aria-label")).toBe(since);
  expect(tab.faults()).toEqual([]);
  await tab.close();
});

test("payloads and results leave the server when somebody asks for them, and not before", async () => {
  const tab = await browser.open(`${place.board}/jobs/${shop.ids.mail}`);
  const { page } = tab;
  const asked = () => place.requests.filter((request) => request.includes(`/${shop.ids.mail}/values`)).length;
  await page.getByText("Hidden:").waitFor();
  expect(await page.content()).not.toContain("customer-0@example.com");
  expect(asked()).toBe(0);
  await page.getByRole("button", { name: "Show" }).click();
  await page.getByText("customer-0@example.com").waitFor();
  await page.getByText('"accepted": true').waitFor();
  await page.getByRole("button", { name: "Hide" }).click();
  expect(await page.content()).not.toContain("customer-0@example.com");
  expect(tab.faults()).toEqual([]);
  await tab.close();
});

test("filters stand in the URL: a reload and another tab show the same, and the keyboard alone sets them", async () => {
  const tab = await browser.open(`${place.board}/jobs`);
  const { page } = tab;
  await page.getByRole("button", { name: "dead" }).press("Enter");
  await page.keyboard.press("Escape");
  await page.locator("body").press("/");
  await page.getByLabel("Name").press("Escape");
  await page.getByLabel("Name").fill("invoice.write");
  await page.getByLabel("Name").press("Enter");
  await page.waitForURL("**/jobs?state=dead&name=invoice.write");
  await until(async () => (await page.locator(".jobs tbody tr").count()) === 3);
  await page.reload();
  await until(async () => (await page.locator(".jobs tbody tr").count()) === 3);
  await page.locator(".jobs .id").first().press("Enter");
  await page.getByRole("heading", { name: "Why it is dead" }).waitFor();
  await page.goBack();
  await until(async () => (await page.locator(".jobs tbody tr").count()) === 3);
  await page.locator("h1").press("g");
  await page.keyboard.press("w");
  await page.getByRole("heading", { level: 1, name: "Workers" }).waitFor();
  expect(tab.faults()).toEqual([]);
  await tab.close();
});

test("older jobs are a page away, by their id", async () => {
  await place.admin.pause("many");
  for (let at = 0; at < 60; at++) await place.admin.enqueue(manyMail(at));
  const tab = await browser.open(`${place.board}/jobs?queue=many`);
  const rows = tab.page.locator(".jobs tbody tr");
  await until(async () => (await rows.count()) === 50);
  await tab.page.getByRole("button", { name: "Older" }).click();
  await until(async () => (await rows.count()) === 10);
  await tab.page.getByRole("button", { name: "Newest" }).click();
  await until(async () => (await rows.count()) === 50);
  expect(tab.faults()).toEqual([]);
  await tab.close();
});

test("an id that is none, one that does not exist, and a filter that cannot be are answered in words", async () => {
  for (const [path, says] of [
    ["/jobs/none", /id/],
    ["/jobs/999999999", /no such job|no job/i],
    ["/jobs?state=sleepy", /state/],
    ["/jobs?stat=dead", /There is no "stat" here/],
    ["/jobs?headers=%7B", /headers/],
  ] as const) {
    const tab = await browser.open(place.board + path);
    await tab.page.getByRole("alert").getByText(says).first().waitFor();
    expect(tab.faults().filter((fault) => !/status of 40[04]/.test(fault))).toEqual([]);
    await tab.close();
  }
});
