import { migrate } from "@pillion/core/migrate";
import { type RunningPostgres, startPostgres } from "@pillion/dev-postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { postgresEngine } from "../../packages/core/src/postgres/engine.ts";
import { PlanSession } from "./session.ts";

/** Beside it, what is asked for is little. */
const finished = 100_000;

let server: RunningPostgres;
let session: PlanSession;

beforeAll(async () => {
  server = await startPostgres({ durable: false, settings: { autovacuum: "off" } });
  await migrate({ database: server.url });
  session = await PlanSession.open(server.url, "auto");
  // One every 10 ms, until now; the last partition's days are ahead.
  await session.client.query(`
    set auto_explain.log_min_duration = -1;
    insert into pillion.archive (id, state, queue, name, version, priority, attempt, created_at, run_at, started_at, finished_at,
      enqueued_xid, payload, keep_until)
    select i, 'completed', 'default', 'n', 1, 0, 1, at, at, at, at, '1', to_jsonb(repeat('x', 600)), pillion.keep_until(null, 'completed', now())
    from generate_series(1, ${finished}) i, lateral (select now() - (${finished} - i) * interval '40 ms' as at) t;
    insert into pillion.attempt (job, attempt, queue, worker, started_at, finished_at, outcome, keep_until)
    select i, 1, 'default', 1, at, at, 'failed', pillion.keep_attempt_until(null, now())
    from generate_series(1, ${finished}) i, lateral (select now() - (${finished} - i) * interval '40 ms' as at) t;
    set auto_explain.log_min_duration = 0`);
}, 240_000);
afterAll(async () => {
  await session.close();
  await server.stop();
});

const pagesRead = async (minutes: number) => {
  const scans = await session.scans(
    postgresEngine("pillion").throughput({ queue: null, minutes, bucketSeconds: 60 }),
  );
  const read = scans.filter(({ table, read }) => /^(archive|attempt)/.test(table) && read > 0);
  expect(new Set(read.map(({ node }) => node))).toEqual(new Set(["Tid Range Scan"]));
  return read.reduce((sum, { pages }) => sum + pages, 0);
};

const pagesOf = async () =>
  (
    await session.client.query(
      "select sum(pg_relation_size(relid) / 8192)::integer as pages from pg_partition_tree('pillion.archive')",
    )
  ).rows[0].pages;

test("the last minute is read by itself beside very many that have finished, without an index or statistics", async () => {
  // 6,000 jobs and 1,500 failures: 300 pages, what it takes to find them, and where they could begin.
  expect(await pagesRead(1)).toBeLessThan(1_200);
  expect(await pagesOf()).toBeGreaterThan(8_000);
});

test("of a longer time no more than its cap is read of a partition", async () => {
  expect(await pagesRead(60)).toBeLessThan(2 * 2_048 + 1_000);
});
