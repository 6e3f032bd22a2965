import { migrate } from "@pillion/core/migrate";
import { type RunningPostgres, startPostgres } from "@pillion/dev-postgres";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { postgresEngine } from "../../packages/core/src/postgres/engine.ts";
import type { Statement } from "../../packages/core/src/statement.ts";
import { common, completedId, crowdOf, deadId, fill, keyed, rare } from "../bench/src/dashboard/crowd.ts";
import { PlanSession, type Scan } from "./session.ts";

// What the board's pages send, beside so many jobs that each of them would show if it read what it is not about.

const engine = postgresEngine("pillion");
const crowd = crowdOf(150_000);
/** How many jobs a list goes through here. */
const looks = 1_000;

let server: RunningPostgres;

beforeAll(async () => {
  // Statistics are taken when the test says so, and never else: now, of empty tables.
  server = await startPostgres({ durable: false, settings: { autovacuum: "off" } });
  await migrate({ database: server.url });
  const pool = new pg.Pool({ connectionString: server.url });
  await pool.query("vacuum (analyze)");
  await fill(pool, crowd);
  await pool.end();
}, 240_000);
afterAll(() => server.stop());

const list = (filter: Readonly<Record<string, unknown>>, before: number | null = null) =>
  engine.lookThrough({
    filter: JSON.stringify(filter),
    before: before === null ? null : String(before),
    limit: 50,
    looks,
    ms: 60_000,
  });
const tenant = { tenant: rare.tenant };
const states = ["scheduled", "ready", "running", "completed", "dead", "cancelled"];
const further = crowd.first.weekAgo + 10_000;

const filters: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  all: {},
  ...Object.fromEntries(states.map((state) => [state, { state: [state] }])),
  "a queue": { queue: common.queue },
  "a rare queue": { queue: rare.queue },
  "a rare name": { name: rare.name },
  "a name that nobody has": { name: "nobody" },
  "a rare header": { headers: tenant },
  "a unique key": { uniqueKey: rare.key },
  "a partition key": { partitionKey: keyed.key },
  "dead ones of a rare queue": { state: ["dead"], queue: rare.queue },
  "dead and cancelled ones of a header": { state: ["dead", "cancelled"], headers: tenant },
  "running ones of a name that nobody has": { state: ["running"], name: "nobody" },
  "scheduled ones of a queue that has none": { state: ["scheduled"], queue: keyed.queue },
  "some by their ids": { ids: [deadId(crowd, 7), completedId(crowd, 7), crowd.first.ready] },
};

/** Each with how many rows of a table or partition it may read at most; but for one index. */
const statements: Readonly<Record<string, readonly [Statement, most: number, but?: string]>> = {
  ...Object.fromEntries(
    Object.entries(filters).flatMap(([what, filter]) => [
      // A cursor reads some rows ahead.
      [`a list of ${what}`, [list(filter), looks + 100]],
      [`a list of ${what}, further back`, [list(filter, further), looks + 100]],
    ]),
  ),
  "a completed job": [engine.findJob({ id: String(completedId(crowd, 7)) }), 10],
  "a dead job": [engine.findJob({ id: String(deadId(crowd, 7)) }), 10],
  "a job that runs": [engine.findJob({ id: String(crowd.first.running + 1) }), 10],
  "a job with a thousand children": [
    engine.findJob({ id: String(completedId(crowd, crowd.completed)) }),
    1_010,
  ],
  "dead jobs by their errors": [engine.deadGroups({ queue: null, name: null, key: null, ids: 5 }), 10_001],
  "dead jobs of a rare queue": [
    engine.deadGroups({ queue: rare.queue, name: null, key: null, ids: 5 }),
    crowd.dead,
  ],
  // What is ready is counted queue by queue, up to ten thousand of each.
  "the queues": [engine.queues(undefined), 10_001, "job_lane"],
  // Those that run, and those that have stopped within the hour, of twenty thousand.
  "the workers": [engine.workers(undefined), 1_000],
  "the schedules": [engine.listSchedules({ after: "", limit: 200 }), 200],
};

describe.each([
  ["a generic plan, with the statistics of an empty queue", "force_generic_plan"],
  ["with fresh statistics", "auto"],
] as const)("%s", (_, planCache) => {
  let session: PlanSession;
  beforeAll(async () => {
    session = await PlanSession.open(server.url, planCache);
    if (planCache === "auto") {
      await session.client.query("set auto_explain.log_min_duration = -1");
      await session.client.query("analyze");
      await session.client.query("set auto_explain.log_min_duration = 0");
    }
  }, 120_000);
  afterAll(() => session.close());

  test.each(Object.entries(statements))(
    "%s: no table is read whole, and no more than its share",
    async (_, [statement, most, but]) => {
      const scans = await session.scans(statement);
      expect(scans.length).toBeGreaterThan(0);
      expect(
        scans.filter((scan) => (but === undefined || scan.index !== but) && wasteful(scan, most)),
      ).toEqual([]);
    },
  );
});

/** A table of a few pages may be read whole, and claims are, which are as many as run at the moment. */
function wasteful({ node, table, read }: Scan, most: number): boolean {
  if (!/^(job|worker|schedule|archive\w*|attempt\w*)$/.test(table)) return false;
  return read > (node === "Seq Scan" ? 100 : most);
}
