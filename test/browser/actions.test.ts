import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { importFeed, sendMail, spareMail, tickedMail, writeInvoice } from "./jobs.ts";
import { boardPlace, type Place } from "./place.ts";
import { openShop, type Shop, until } from "./shop.ts";
import { type Browser, startBrowser, type Tab } from "./tab.ts";

let place: Place;
let shop: Shop;
let browser: Browser;

beforeAll(async () => {
  place = await boardPlace(inject("databaseUrl"), "actions");
  shop = await openShop(place);
  browser = await startBrowser(inject("chromium"));
});
afterAll(async () => {
  await browser?.close();
  await place?.close();
});

async function on(path: string, act: (page: Page) => Promise<void>): Promise<void> {
  const tab: Tab = await browser.open(place.board + path);
  await act(tab.page);
  expect(tab.faults()).toEqual([]);
  await tab.close();
}

/** Reads what the confirmation says will happen, says yes, and reads what was done. */
async function confirm(
  page: Page,
  will: string | RegExp,
  verb: string | RegExp,
  did: string | RegExp,
): Promise<void> {
  const dialog = page.getByRole("dialog");
  await dialog.getByText(will).waitFor();
  await dialog.getByRole("button", { name: verb }).click();
  await page.getByRole("status").getByText(did).waitFor();
  await dialog.waitFor({ state: "detached" });
}
const stateOf = async (id: string) => (await place.admin.job(id))?.state;
const queue = async (name: string) => (await place.admin.queues()).find((one) => one.name === name);

test("nothing is done by whoever does not confirm, by a button or by Escape", async () => {
  await on("/queues", async (page) => {
    const card = page
      .getByRole("listitem")
      .filter({ has: page.getByRole("heading", { name: "mail", exact: true }) });
    await card.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Not now" }).click();
    await card.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  });
  expect((await queue("mail"))?.pausedAt).toBeNull();
});

test("a queue is paused, and resumed", async () => {
  await on("/queues", async (page) => {
    const card = page
      .getByRole("listitem")
      .filter({ has: page.getByRole("heading", { name: "mail", exact: true }) });
    await card.getByRole("button", { name: "Pause" }).click();
    await confirm(page, /No further job of it is started/, "Pause", "Queue mail is paused.");
    expect((await queue("mail"))?.pausedAt).toBeInstanceOf(Date);
    await card.getByRole("button", { name: "Resume" }).click();
    await confirm(page, /Workers start its jobs again/, "Resume", "Queue mail goes on.");
    expect((await queue("mail"))?.pausedAt).toBeNull();
  });
});

test("the limits of a queue are set, and cleared", async () => {
  await on("/queues", async (page) => {
    const card = page
      .getByRole("listitem")
      .filter({ has: page.getByRole("heading", { name: "orders", exact: true }) });
    await card.getByRole("button", { name: "Limits" }).click();
    await page.getByLabel("Run at the same time").fill("3");
    await page.getByLabel("Starts", { exact: true }).fill("10");
    await page.getByLabel("in so many seconds").fill("60");
    await page.getByRole("button", { name: "Go on" }).click();
    await confirm(
      page,
      /at most 3 run at a time, starts 10 in 1 min/,
      "Set limits",
      "The limits of orders are set.",
    );
    expect((await queue("orders"))?.settings).toMatchObject({
      concurrency: 3,
      rate: { limit: 10, perMs: 60_000 },
    });
    await card.getByText("at most 3 run at a time").waitFor();
    await page.getByRole("button", { name: "Dismiss" }).click();
    await card.getByRole("button", { name: "Limits" }).click();
    for (const name of ["Run at the same time", "in so many seconds"]) await page.getByLabel(name).fill("");
    await page.getByLabel("Starts", { exact: true }).fill("");
    await page.getByRole("button", { name: "Go on" }).click();
    await confirm(page, /no limits/, "Set limits", "The limits of orders are set.");
    expect((await queue("orders"))?.settings).toMatchObject({ concurrency: null, rate: null });
  });
});

test("the waiting jobs of a queue are purged, and told how many they are", async () => {
  await place.admin.pause("spare");
  for (let at = 0; at < 4; at++) await place.admin.enqueue(spareMail({ at }));
  await on("/queues", async (page) => {
    const card = page
      .getByRole("listitem")
      .filter({ has: page.getByRole("heading", { name: "spare", exact: true }) });
    await card.getByRole("button", { name: "Purge" }).click();
    await confirm(page, /This cancels 4 jobs/, "Cancel 4 jobs", /^4 waiting jobs of spare are cancelled/);
  });
  expect((await place.admin.jobs({ queue: "spare", state: "cancelled" })).length).toBe(4);
});

test("a scheduled job is rescheduled, then run now, and completes before one's eyes", async () => {
  await on(`/jobs/${shop.ids.later}`, async (page) => {
    const before = (await place.admin.job(shop.ids.later))!.runAt;
    await page.getByRole("button", { name: "Reschedule" }).click();
    await page.getByLabel("When").selectOption("In 1 day");
    await confirm(page, /This moves 1 job/, "Reschedule", "1 job is moved.");
    expect((await place.admin.job(shop.ids.later))!.runAt.getTime()).toBeGreaterThan(before.getTime());
    await page.getByRole("button", { name: "Run now" }).click();
    await confirm(
      page,
      /It does not wait for its time any longer/,
      "Run now",
      `Job ${shop.ids.later} is ready.`,
    );
    await page.locator("main .lead").getByText("completed").waitFor();
  });
});

test("a job is moved to a moment of the clock, and nothing is done before there is one", async () => {
  const { id } = await place.admin.enqueue(sendMail({ to: "moment" }, { delayMs: 3_600_000 }));
  await on(`/jobs/${id}`, async (page) => {
    await page.getByRole("button", { name: "Reschedule" }).click();
    await page.getByLabel("When").selectOption("At …");
    const dialog = page.getByRole("dialog");
    await dialog.getByText(/This moves 1 job/).waitFor();
    expect(await dialog.getByRole("button", { name: "Reschedule" }).isDisabled()).toBe(true);
    await page.getByLabel("Your time").fill("2150-01-02T03:04:05");
    await confirm(page, /This moves 1 job/, "Reschedule", "1 job is moved.");
  });
  expect((await place.admin.job(id))!.runAt.toISOString()).toBe("2150-01-02T03:04:05.000Z");
});

test("a running job is told to stop", async () => {
  const { id } = await place.admin.enqueue(importFeed({ url: "endless" }));
  await until(async () => (await stateOf(id)) === "running");
  await on(`/jobs/${id}`, async (page) => {
    await page.getByRole("button", { name: "Cancel" }).click();
    await confirm(page, /This ends 1 job/, "Cancel", /1 job is cancelled, or told to stop/);
    await page.locator("main .lead").getByText("cancelled").waitFor();
  });
});

test("a job that has ended is retried", async () => {
  await on(`/jobs/${shop.ids.mail}`, async (page) => {
    await page.getByRole("button", { name: "Retry" }).click();
    await confirm(page, /This brings back 1 job/, "Retry", "1 job is ready again.");
  });
  await until(async () => (await place.admin.job(shop.ids.mail))!.attempts.length === 2);
});

test("jobs are ticked in the list, and cancelled together", async () => {
  await place.admin.pause("ticked");
  const ids: string[] = [];
  for (let at = 0; at < 3; at++) ids.push((await place.admin.enqueue(tickedMail({ at }))).id);
  await on("/jobs?queue=ticked", async (page) => {
    for (const id of ids.slice(0, 2)) await page.getByRole("checkbox", { name: `Job ${id}` }).check();
    await page.getByText("2 ticked jobs").waitFor();
    await page.getByRole("button", { name: "Cancel …" }).click();
    await confirm(page, /This ends 2 jobs/, "Cancel 2 jobs", /2 jobs are cancelled/);
  });
  expect(await Promise.all(ids.map(stateOf))).toEqual(["cancelled", "cancelled", "ready"]);
});

test("all jobs of a filter are retried", async () => {
  await on("/jobs?queue=ticked&state=cancelled", async (page) => {
    await page.getByRole("button", { name: "Retry …" }).click();
    await confirm(page, /This brings back 2 jobs/, "Retry 2 jobs", "2 jobs are ready again.");
  });
  expect((await place.admin.jobs({ queue: "ticked", state: "ready" })).length).toBe(3);
});

test("a schedule is paused, resumed, and run at once", async () => {
  await on("/schedules", async (page) => {
    const row = page
      .getByRole("listitem")
      .filter({ has: page.getByRole("heading", { name: "hourly mail" }) });
    const pausedAt = async () =>
      (await place.admin.schedules.list()).find(({ name }) => name === "hourly mail")?.pausedAt;
    expect(await page.content()).not.toContain("team@example.com");
    await row.getByRole("button", { name: "Show the payload" }).click();
    await row.getByText("team@example.com").waitFor();
    await row.getByRole("button", { name: "Pause" }).click();
    await confirm(page, /It fires no slot until it is resumed/, "Pause", "Schedule hourly mail is paused.");
    expect(await pausedAt()).toBeInstanceOf(Date);
    await row.getByRole("button", { name: "Resume" }).click();
    await confirm(
      page,
      /It goes on with its first slot after now/,
      "Resume",
      "Schedule hourly mail goes on.",
    );
    expect(await pausedAt()).toBeNull();
    await row.getByRole("button", { name: "Run now" }).click();
    await confirm(page, /This enqueues 1 job, mail.send into mail/, "Run now", /^Job \d+ is enqueued/);
    await page.getByRole("link", { name: "Watch it" }).click();
    await page.locator("main .lead").getByText("completed").waitFor();
  });
});

test("dead jobs are found by their error, their cause is mended, they are redriven, and complete before one's eyes", async () => {
  await on("/", async (page) => {
    await page.getByRole("link", { name: "Dead", exact: true }).click();
    const group = page.getByRole("listitem").filter({ hasText: "invoice.write" });
    await group.getByText("Ledger 2026 is closed").first().waitFor();
    shop.billing.closed = false;
    await group.getByRole("button", { name: "Redrive …" }).click();
    await confirm(page, /This brings back 3 jobs of this error/, "Redrive 3 jobs", "3 jobs are ready again.");
    await page.getByRole("link", { name: "Watch them" }).click();
    await until(async () => (await page.locator(".jobs .state.is-completed").count()) === 3);
  });
  expect((await place.admin.jobs({ name: writeInvoice, state: "completed" })).length).toBe(3);
});

test("all that is left dead is redriven at once", async () => {
  await on("/dead", async (page) => {
    await page.getByRole("button", { name: "Redrive all …" }).click();
    await confirm(page, /This brings back 1 job, whatever/, "Redrive", "1 job is ready again.");
  });
  await until(async () => (await place.admin.job(shop.ids.hostile))!.attempts.length === 2);
});

test("what another has done meanwhile is not done again, and the answer says so", async () => {
  const { id } = await place.admin.enqueue(sendMail({ to: "soon" }, { delayMs: 3_600_000 }));
  await on(`/jobs/${id}`, async (page) => {
    await page.getByRole("button", { name: "Cancel" }).click();
    await page
      .getByRole("dialog")
      .getByText(/This ends 1 job/)
      .waitFor();
    await place.admin.cancel(id);
    await confirm(page, /This ends 1 job/, "Cancel", "0 jobs are cancelled, or told to stop.");
    await page.locator("main .lead").getByText("cancelled").waitFor();
  });
});
