import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { faultsOfAccess } from "./access.ts";
import { boardPlace, type Place } from "./place.ts";
import { openShop, type Shop } from "./shop.ts";
import { type Browser, startBrowser } from "./tab.ts";

let place: Place;
let shop: Shop;
let browser: Browser;

beforeAll(async () => {
  place = await boardPlace(inject("databaseUrl"), "pages");
  shop = await openShop(place);
  browser = await startBrowser(inject("chromium"));
});
const paints: number[] = [];
afterAll(async () => {
  paints.sort((one, other) => one - other);
  console.log(
    `First paint of ${paints.length} pages: ${paints[paints.length >> 1]} ms in the middle, ${paints.at(-1)} ms at most`,
  );
  await browser?.close();
  await place?.close();
});

/** Each page, and what it has to show. */
const pages: readonly (readonly [name: string, path: () => string, shows: readonly string[]])[] = [
  ["Overview", () => "/", ["Throughput", "Failures", "Latency", "Depth", "billing", "mail", "worker holds"]],
  ["Queues", () => "/queues", ["billing", "imports", "No limits."]],
  ["Jobs", () => "/jobs", ["mail.send", "feed.import", "Ledger 2026 is closed"]],
  ["Jobs", () => "/jobs?state=dead&queue=billing", ["invoice.write", "Ledger 2026 is closed"]],
  [
    "invoice.write",
    () => `/jobs/${shop.ids.deadInvoice}`,
    ["Why it is dead", "Attempt 2", "Stack trace", "write-invoice.ts"],
  ],
  [
    "order.fulfil",
    () => `/jobs/${shop.ids.order}`,
    ["reserve", "charge", "shipment.packed", "Children", "mail.send", "began to wait for shipment.packed"],
  ],
  ["Dead", () => "/dead?queue=billing", ["Only queue billing", "invoice.write"]],
  ["Dead", () => "/dead", ["invoice.write", "Ledger 2026 is closed", "Redrive"]],
  ["Schedules", () => "/schedules", ["nightly feed", "0 3 * * *", "Europe/Berlin", "every 1 h"]],
  ["Workers", () => "/workers", ["running", "feed.import", "Last heartbeat"]],
  ["Doctor", () => "/doctor", ["Looked at"]],
  ["No such page", () => "/nowhere", ["overview"]],
];

const looks = [
  { name: "light", width: 1280, dark: false },
  { name: "dark", width: 1280, dark: true },
  { name: "on a phone", width: 390, dark: false },
] as const;

for (const { name: look, ...options } of looks)
  describe(`${look}`, () => {
    test.each(pages.map((page, index) => [`${index + 1} ${page[0]}`, page] as const))(
      "the page %s shows what it is for, without a serious fault of access, wider than its window nowhere",
      async (_, [title, path, shows]) => {
        const tab = await browser.open(place.board + path(), options);
        await tab.page.getByRole("heading", { level: 1, name: title, exact: true }).waitFor();
        for (const text of shows) await tab.page.locator("main").getByText(text).first().waitFor();
        paints.push(
          await tab.page.evaluate(() =>
            Math.round(performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN),
          ),
        );
        expect(await faultsOfAccess(tab.page)).toEqual([]);
        const wide = await tab.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(wide).toBeLessThanOrEqual(0);
        const faults = tab.faults();
        // What does not exist is answered 404, which Chromium tells its console.
        expect(title === "No such page" ? faults.filter((fault) => !fault.includes("404")) : faults).toEqual(
          [],
        );
        await tab.close();
      },
    );
  });
