import { migrate } from "@pillion/core/migrate";
import { type RunningPostgres, startPostgres } from "@pillion/dev-postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PlanSession } from "./session.ts";

/** In each table, and in several partitions. */
const others = 20_000;

let server: RunningPostgres;
let session: PlanSession;

beforeAll(async () => {
  server = await startPostgres({ durable: false, settings: { autovacuum: "off" } });
  await migrate({ database: server.url });
  session = await PlanSession.open(server.url, "auto");
  await session.client.query(`
    set auto_explain.log_min_duration = -1;
    insert into pillion.job (queue, name, payload) select 'default', 'n', '1' from generate_series(1, ${others});
    insert into pillion.archive (id, state, queue, name, version, priority, attempt, created_at, run_at, started_at, finished_at,
      enqueued_xid, payload, keep_until)
    select ${others} + i, 'completed', 'default', 'n', 1, 0, 1, now(), now(), now(), now(), '1', '1', days.day
    from generate_series(1, ${3 * others}) i,
      lateral (select day from pillion.kept('pillion.archive') where i > 0 order by day offset i % 3 limit 1) days;
    insert into pillion.attempt (job, attempt, queue, worker, started_at, finished_at, outcome, error, keep_until)
    select i, 1, 'default', 1, now(), now(), 'failed', '{"message":"no"}', pillion.keep_attempt_until(null, now()) from generate_series(1, ${others}) i;
    insert into pillion.batch (claim, worker, claimed_at, ids, jobs, done, charged, remaining)
    select i, 1, now(), array[p.id], array[p], '{f}', '{t}', 1
    from generate_series(1, 20) i, jsonb_populate_record(null::pillion.job, jsonb_build_object('id', 1000000 + i, 'enqueued_xid', '1', 'position', i,
      'created_at', now(), 'run_at', now(), 'state', 'ready', 'priority', 0, 'version', 1, 'attempt', 0, 'queue', 'default', 'name', 'n',
      'payload', 1, 'lost', 0, 'prefetched', false, 'slot', false)) p;
    create table orders (id integer primary key, job_id bigint);
    insert into orders select i, i * 790 from generate_series(1, 100) i;
    insert into orders select 1000 + i, 1000000 + i from generate_series(1, 5) i;
    analyze orders;
    set auto_explain.log_min_duration = 0`);
});
afterAll(async () => {
  await session.close();
  await server.stop();
});

const joined =
  "select o.id, j.state, j.error, j.payload from orders o join pillion.jobs j on j.id = o.job_id";

async function expectLookups() {
  const { rowCount } = await session.client.query(joined);
  expect(rowCount).toBe(105);
  for (const text of [
    joined,
    "select * from pillion.jobs where id = 790",
    "select * from pillion.jobs where id = 79000",
  ]) {
    const scans = (await session.scans({ pieces: [] as never, text, values: [] })).filter(({ table }) =>
      /^(job|archive|attempt)/.test(table),
    );
    expect(scans.length).toBeGreaterThan(3);
    // Each looks for as much as it finds.
    expect(scans.filter(({ read }) => read > 210)).toEqual([]);
  }
  // What runs without a row of its own is unpacked once, and not for each order.
  const batches = (await session.scans({ pieces: [] as never, text: joined, values: [] })).filter(
    ({ table }) => table === "batch",
  );
  expect(batches.map(({ read }) => read)).toEqual([20]);
}

test(
  "orders are joined with their jobs by the indexes of every table, without statistics of them",
  expectLookups,
);

test("orders are joined with their jobs by the indexes of every table, with fresh statistics", async () => {
  await session.client.query("analyze");
  await expectLookups();
});
