import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { hostile, image } from "./jobs.ts";
import { boardPlace, type Place } from "./place.ts";
import { openShop, type Shop } from "./shop.ts";
import { type Browser, startBrowser } from "./tab.ts";

let place: Place;
let shop: Shop;
let browser: Browser;

beforeAll(async () => {
  place = await boardPlace(inject("databaseUrl"), "hostile", { title: image });
  shop = await openShop(place, { mails: 3, invoices: 1 });
  await place.admin.schedules.set({ name: image, everyMs: 3_600_000, job: hostile({ text: image }) });
  await place.admin.pause(hostile({ text: "" }).type.queue);
  browser = await startBrowser(inject("chromium"));
});
afterAll(async () => {
  await browser?.close();
  await place?.close();
});

test.each(["/", "/queues", "/jobs", "/dead", "/schedules", "/workers", "/doctor", "job"])(
  "names, errors, keys and payloads that are written to do harm are text on the page %s",
  async (path) => {
    const tab = await browser.open(place.board + (path === "job" ? `/jobs/${shop.ids.hostile}` : path));
    const { page } = tab;
    if (path !== "/doctor") await page.locator("main").getByText("harmed = true").first().waitFor();
    if (path === "job") {
      await page.getByRole("button", { name: "Show" }).click();
      await page.getByLabel("Payload").getByText("harmed = true").first().waitFor();
    }
    if (path === "/dead")
      await page
        .getByRole("listitem")
        .filter({ hasText: "evil" })
        .getByRole("button", { name: "Redrive …" })
        .click();
    if (path === "/queues")
      await page
        .getByRole("listitem")
        .filter({ hasText: "harmed" })
        .getByRole("button", { name: "Resume" })
        .click();
    if (path === "/dead" || path === "/queues")
      await page.getByRole("dialog").getByText("harmed = true").first().waitFor();
    expect(await page.evaluate(() => "harmed" in globalThis)).toBe(false);
    expect(await page.locator("img, main script, dialog script").count()).toBe(0);
    expect(tab.faults()).toEqual([]);
    await tab.close();
  },
);

test("a board for looking offers nothing that changes anything, and shows no payload where it may not", async () => {
  const own = await boardPlace(inject("databaseUrl"), "readonly", { readOnly: true, values: false });
  try {
    const seen = await openShop(own, { mails: 2, invoices: 1 });
    for (const path of ["/", "/queues", "/jobs", `/jobs/${seen.ids.deadInvoice}`, "/dead", "/schedules"]) {
      const tab = await browser.open(own.board + path);
      await tab.page.getByText("Read only").first().waitFor();
      await tab.page.locator("main .panel, main table").first().waitFor();
      for (const name of [
        /^Pause/,
        /^Resume/,
        /^Retry/,
        /^Redrive/,
        /^Cancel/,
        /^Run now/,
        /^Limits/,
        /^Show/,
      ])
        expect(await tab.page.getByRole("button", { name }).count(), `${path} ${name}`).toBe(0);
      expect(tab.faults()).toEqual([]);
      await tab.close();
    }
  } finally {
    await own.close();
  }
});
