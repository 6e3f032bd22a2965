import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { faultsOfAccess } from "./access.ts";
import { gateTo } from "./gate.ts";
import { importFeed } from "./jobs.ts";
import { boardPlace, type Place } from "./place.ts";
import { openShop, type Shop, until } from "./shop.ts";
import { type Browser, startBrowser } from "./tab.ts";

let place: Place;
let shop: Shop;
let browser: Browser;
let welcome = true;

beforeAll(async () => {
  place = await boardPlace(inject("databaseUrl"), "states", { authorize: () => welcome && { name: "ann" } });
  shop = await openShop(place);
  browser = await startBrowser(inject("chromium"));
});
afterAll(async () => {
  await browser?.close();
  await place?.close();
});

/** Opens a page of the board, and finds no fault on it, in the console either. */
async function on(path: string, act: (page: Page) => Promise<void>): Promise<void> {
  const tab = await browser.open(place.board + path);
  await act(tab.page);
  expect(await faultsOfAccess(tab.page)).toEqual([]);
  expect(tab.faults()).toEqual([]);
  await tab.close();
}

test.each([
  ["/", "There is no job yet, and no worker."],
  ["/queues", "There is no queue yet."],
  ["/jobs", "There is no job."],
  ["/jobs?name=mail.send", "No job matches."],
  ["/dead", "No job is dead."],
  ["/dead?queue=mail", "No job is dead of queue mail."],
  ["/schedules", "There is no schedule."],
  ["/workers", "No worker has been seen within the last hour."],
  ["/doctor", "Looked at"],
])("on an empty queue %s says so, and what to do, without a fault of access", async (path, says) => {
  const empty = await boardPlace(inject("databaseUrl"), "empty");
  try {
    for (const dark of [false, true]) {
      const tab = await browser.open(empty.board + path, { dark });
      await tab.page.locator("main").getByText(says).first().waitFor();
      expect(await faultsOfAccess(tab.page)).toEqual([]);
      expect(tab.faults()).toEqual([]);
      await tab.close();
    }
  } finally {
    await empty.close();
  }
});

test.each(["/", "/queues", "/jobs", "/dead", "/schedules", "/workers", "/doctor", "job"])(
  "until the answer is there, %s says that it loads",
  async (path) => {
    const tab = await browser.open("about:blank");
    const { page } = tab;
    let answer = () => {};
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await page.route(/\/api\/(?!board)/, async (route) => {
      await asked;
      await route.continue();
    });
    await page.goto(place.board + (path === "job" ? `/jobs/${shop.ids.mail}` : path));
    const loading = page.locator("main").getByRole("status");
    await loading.getByText("Loading").waitFor();
    expect(await faultsOfAccess(page)).toEqual([]);
    answer();
    await loading.waitFor({ state: "detached" });
    expect(tab.faults()).toEqual([]);
    await tab.close();
  },
);

test("a child leads to its parent, and the parent to its children", async () => {
  await on(`/jobs/${shop.ids.order}`, async (page) => {
    const children = page.getByRole("region", { name: "Children" });
    await children.getByRole("link").first().click();
    await page.getByRole("heading", { level: 1, name: "mail.send" }).waitFor();
    await page.locator(".facts").getByRole("link", { name: shop.ids.order, exact: true }).click();
    await page.getByRole("heading", { level: 1, name: "order.fulfil" }).waitFor();
  });
});

test("each key does what the list of keys says", async () => {
  const tab = await browser.open(`${place.board}/`);
  const { page } = tab;
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  for (const [key, title] of [
    ["q", "Queues"],
    ["j", "Jobs"],
    ["d", "Dead"],
    ["s", "Schedules"],
    ["w", "Workers"],
    ["h", "Doctor"],
    ["o", "Overview"],
  ] as const) {
    await page.keyboard.press("?");
    const keys = page.getByRole("dialog", { name: "Keys" });
    await keys
      .locator("div")
      .filter({ has: page.locator(`kbd:text-is("${key}")`) })
      .getByText(title)
      .waitFor();
    await page.keyboard.press("Escape");
    await keys.waitFor({ state: "detached" });
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await page.getByRole("heading", { level: 1, name: title, exact: true }).waitFor();
  }
  expect(tab.faults()).toEqual([]);
  await tab.close();
});

test("an action is done by the keyboard alone, and the focus is where it was", async () => {
  await on("/queues", async (page) => {
    const card = page
      .getByRole("listitem")
      .filter({ has: page.getByRole("heading", { name: "imports", exact: true }) });
    const pause = card.getByRole("button", { name: "Pause" });
    await pause.focus();
    await page.keyboard.press("Enter");
    await page
      .getByRole("dialog")
      .getByText(/No further job of it is started/)
      .waitFor();
    // Where it opens nothing is done by Enter: what does something is one further.
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("status").getByText("Queue imports is paused.").waitFor();
    await until(() => focused(page, "Resume"));
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await until(() => focused(page, "Resume"));
  });
  await place.admin.resume("imports");
});
const focused = (page: Page, text: string) =>
  page.evaluate((wanted) => document.activeElement?.textContent === wanted, text);

test.each([
  ["/queues", "Pause", "Pause queue"],
  ["/queues", "Limits", "Limits of"],
  ["/dead", "Redrive all …", "Redrive all dead jobs?"],
  ["/schedules", "Run now", "Run"],
  ["/jobs?queue=mail", "Reschedule …", "Reschedule these jobs?"],
])(
  "what %s asks after %s has no fault of access, in light and dark and on a phone",
  async (path, button, title) => {
    for (const look of [{}, { dark: true }, { width: 390 }]) {
      const tab = await browser.open(place.board + path, look);
      await tab.page.getByRole("button", { name: button, exact: true }).first().click();
      const dialog = tab.page.getByRole("dialog", { name: title });
      await dialog.waitFor();
      await dialog.getByText("Counting …").waitFor({ state: "detached" });
      expect(await faultsOfAccess(tab.page)).toEqual([]);
      const { x, width } = (await dialog.boundingBox())!;
      expect([x >= 0, x + width <= (look.width ?? 1280)]).toEqual([true, true]);
      expect(tab.faults()).toEqual([]);
      await tab.close();
    }
  },
);

test("the theme that is chosen stays, whatever the system says", async () => {
  await on("/queues", async (page) => {
    const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
    expect(await theme()).toBe("light");
    await page.getByLabel("Theme").selectOption("Dark");
    expect(await theme()).toBe("dark");
    await page.reload();
    expect(await theme()).toBe("dark");
    await page.getByLabel("Theme").selectOption("System");
    expect(await theme()).toBe("light");
    await page.emulateMedia({ colorScheme: "dark" });
    await until(async () => (await theme()) === "dark");
  });
});

test("a worker that fell silent is told first, beside it what others run; a finding of the doctor with what mends it", async () => {
  const { id } = await place.admin.enqueue(importFeed({ url: "silent" }));
  await until(async () => (await place.admin.job(id))?.state === "running");
  await place.query(
    `insert into pillion.worker (label, queues, names, concurrency, lease_ms, started_at, heartbeat_at)
     select 'gone 4711', queues, names, concurrency, lease_ms, started_at, now() - interval '1 hour'
     from pillion.worker limit 1`,
  );
  await on("/workers", async (page) => {
    const first = page.locator("main ul.groups > li").first();
    await first.getByRole("heading", { name: "gone 4711" }).waitFor();
    await first.getByText("silent", { exact: true }).waitFor();
    await page
      .locator("main")
      .getByRole("link", { name: `Job ${id}` })
      .waitFor();
  });
  await place.query("alter table pillion.job set (autovacuum_enabled = false)");
  await on("/doctor", async (page) => {
    const finding = page.locator("main .finding").filter({ hasText: "autovacuum" }).first();
    await finding.getByRole("button", { name: "Copy" }).click();
    await finding
      .getByText(/alter table/)
      .first()
      .waitFor();
  });
});

test("whoever may no longer look is told so, keeps what was seen, and goes on when they may again", async () => {
  const tab = await browser.open(`${place.board}/queues`);
  const { page } = tab;
  await page.locator(".viewer").getByText("ann").waitFor();
  await page.getByRole("heading", { name: "billing" }).waitFor();
  welcome = false;
  await page
    .getByRole("status")
    .getByText(/Not signed in.*What you see is from/)
    .waitFor();
  await page.getByRole("heading", { name: "billing" }).waitFor();
  await page.getByRole("button", { name: "Pause" }).first().click();
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await page.getByRole("dialog").getByRole("alert").getByText("Not signed in").waitFor();
  await page.getByRole("button", { name: "Not now" }).click();
  welcome = true;
  await until(async () => (await page.locator(".connection.is-lost").count()) === 0);
  expect(tab.faults().filter((fault) => !/status of 401/.test(fault))).toEqual([]);
  await tab.close();
});

test("a server that goes away is told, what was seen stays, and the page goes on when it is back", async () => {
  const door = await gateTo(place.board);
  const tab = await browser.open(`${door.url}/queues`);
  const { page } = tab;
  await page.getByRole("heading", { name: "billing" }).waitFor();
  await door.shut();
  await page
    .getByRole("status")
    .getByText(/The board's server does not answer.*What you see is from/)
    .waitFor();
  await page.getByRole("heading", { name: "billing" }).waitFor();
  await page.getByRole("button", { name: "Pause" }).first().click();
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await page.getByRole("dialog").getByRole("alert").getByText("does not answer").waitFor();
  await page.getByRole("button", { name: "Not now" }).click();
  await door.open();
  await until(async () => (await page.locator(".connection.is-lost").count()) === 0);
  expect((await place.admin.queues()).every(({ pausedAt }) => pausedAt === null)).toBe(true);
  expect(tab.faults().filter((fault) => !/ERR_(CONNECTION|EMPTY|SOCKET)/.test(fault))).toEqual([]);
  await tab.close();
  await door.shut();
});

test("the dead jobs of one queue are shown and redriven by themselves", async () => {
  const attempts = async (id: string) => (await place.admin.job(id))!.attempts.length;
  const [before, others] = [await attempts(shop.ids.deadInvoice), await attempts(shop.ids.hostile)];
  await on("/dead?queue=billing", async (page) => {
    await page.getByRole("heading", { name: "3 invoice.write in billing" }).waitFor();
    expect(await page.locator("main .group").count()).toBe(1);
    await page.getByRole("button", { name: "Redrive all of these …" }).click();
    const dialog = page.getByRole("dialog", { name: "Redrive all dead jobs of queue billing?" });
    await dialog.getByText(/This brings back 3 jobs, whatever the error, ready at once/).waitFor();
    await dialog.getByRole("button", { name: "Redrive 3 jobs" }).click();
    await page.getByRole("status").getByText("3 jobs are ready again.").waitFor();
  });
  await until(async () => (await attempts(shop.ids.deadInvoice)) > before);
  expect(await attempts(shop.ids.hostile)).toBe(others);
});

test("what is encrypted is not shown, asked for or not", async () => {
  const sealed = JSON.stringify({ "pillion.key": "k1", "pillion.encrypted": "c2VjcmV0" });
  const [row] = await place.query("select id::text from pillion.enqueue('mail.sealed', $1::jsonb)", [sealed]);
  await on(`/jobs/${row!.id}`, async (page) => {
    await page.getByRole("button", { name: "Show" }).click();
    await page.getByText("Encrypted with key k1: it is never shown here.").waitFor();
    expect(await page.content()).not.toContain("c2VjcmV0");
  });
});
