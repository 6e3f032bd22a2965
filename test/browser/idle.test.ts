import { type RunningPostgres, startPostgres } from "@pillion/dev-postgres";
import pg from "pg";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { manyMail } from "./jobs.ts";
import { boardPlace } from "./place.ts";
import { until } from "./shop.ts";
import { type Browser, startBrowser } from "./tab.ts";

/** Every page that asks again by itself, and how many statements come together when it does. */
const pages = [
  ["/", 3],
  ["/queues", 1],
  ["/jobs?name=nobody", 1],
  ["/jobs/1", 1],
  ["/dead", 1],
  ["/schedules", 1],
  ["/workers", 1],
] as const;

let server: RunningPostgres;
let beside: pg.Pool;
let browser: Browser;

beforeAll(async () => {
  // The server itself says what it was asked.
  server = await startPostgres({
    durable: false,
    settings: { shared_preload_libraries: "pg_stat_statements" },
  });
  beside = new pg.Pool({ connectionString: server.url, max: 4 });
  await beside.query("create extension pg_stat_statements");
  browser = await startBrowser(inject("chromium"));
});
afterAll(async () => {
  await browser?.close();
  await beside?.end();
  await server?.stop();
});

/** How many statements a database has run, and the server's clock, in seconds. */
async function statementsOf(database: unknown): Promise<{ calls: number; at: number }> {
  const { rows } = await beside.query(
    `select coalesce(sum(calls), 0)::int as calls, extract(epoch from clock_timestamp())::float8 as at
     from pg_stat_statements s join pg_database d on d.oid = s.dbid where d.datname = $1`,
    [database],
  );
  return rows[0];
}

// Side by side, each viewer before a database of its own: the rarest asks once in ten seconds.
test.concurrent.each(pages)(
  "%s: a viewer on whose page nothing happens costs the database at most one statement a second",
  async (page, together) => {
    const place = await boardPlace(server.url, "idle");
    await place.admin.enqueue(manyMail(1));
    const [row] = await place.query("select current_database() as database");
    const count = () => statementsOf(row!.database);
    const tab = await browser.open(`${place.board}${page}`);
    await tab.page.locator("main h1").waitFor();
    await tab.page.waitForLoadState("networkidle");
    const first = await count();
    await until(async () => (await count()).calls >= first.calls + 3 * together);
    const last = await count();
    // The first may come at once.
    expect(last.calls - first.calls).toBeLessThanOrEqual(last.at - first.at + together);
    expect(tab.faults()).toEqual([]);
    await tab.close();
    await place.close();
  },
);

test("a hidden tab costs the database no statement at all", async () => {
  const place = await boardPlace(server.url, "hidden");
  const [row] = await place.query("select current_database() as database");
  const tab = await browser.open(`${place.board}/`);
  const asked = () => place.requests.filter((request) => request.includes("/api/")).length;
  await tab.page.locator("main h1").waitFor();
  await tab.page.waitForLoadState("networkidle");
  await tab.page.clock.install();
  const calls = async () => (await statementsOf(row!.database)).calls;
  const before = await calls();
  // Three looks, each at its end: the next one is seconds away.
  await until(async () => (await calls()) >= before + 9);
  await tab.hide(true);
  const hidden = { asked: asked(), calls: await calls() };
  await tab.page.clock.runFor("10:00");
  await tab.page.waitForLoadState("networkidle");
  expect({ asked: asked(), calls: await calls() }).toEqual(hidden);
  await tab.hide(false);
  await until(async () => (await calls()) > hidden.calls);
  expect(tab.faults()).toEqual([]);
  await tab.close();
  await place.close();
});
