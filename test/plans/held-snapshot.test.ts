import { defineJob, type } from "@pillion/core";
import { createAdmin, type QueueSettings } from "@pillion/core/admin";
import { migrate } from "@pillion/core/migrate";
import { createWorker, handle } from "@pillion/core/worker";
import { startPostgres } from "@pillion/dev-postgres";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";

const short = defineJob({ name: "short", payload: type<null>() });

/** Runs jobs of a queue while a snapshot keeps all that have ended; answers how many entries claims have read of each index. */
async function entriesRead(
  settings: QueueSettings,
  { jobs, atATime, keys }: { jobs: number; atATime: number; keys: number },
): Promise<Record<string, number>> {
  const server = await startPostgres({ durable: false, settings: { autovacuum: "off" } });
  onTestFinished(() => server.stop());
  await migrate({ database: server.url });
  const pool = new pg.Pool({ connectionString: server.url });
  onTestFinished(() => pool.end());
  await createAdmin({ database: pool }).setQueue("default", settings);
  await pool.query(
    "insert into pillion.job (name, payload, partition_key) select 'short', 'null', 'tenant ' || i % nullif($2, 0) from generate_series(1, $1::int) i",
    [jobs, keys],
  );
  const report = await pool.connect();
  onTestFinished(() => report.release(true));
  await report.query("begin isolation level repeatable read; select from pillion.queue");
  let ran = 0;
  await new Promise<void>((resolve) => {
    const worker = createWorker({
      database: server.url,
      handlers: [handle(short, () => void (++ran === jobs && worker.stop().then(resolve)))],
      concurrency: atATime,
    });
    void worker.start();
  });
  // A session tells what it has read at the latest when it ends.
  const others =
    "select from pg_stat_activity where backend_type = 'client backend' and application_name like 'pillion%'";
  while ((await pool.query(others)).rowCount! > 0);
  const { rows } = await pool.query(
    "select indexrelname as index, idx_tup_read::int as entries from pg_stat_user_indexes where relname in ('job', 'start')",
  );
  return Object.fromEntries(rows.map(({ index, entries }) => [index, entries]));
}

test.each<[string, QueueSettings]>([
  ["a number of jobs at a time", { concurrency: 5 }],
  ["a rate", { rate: { limit: 1_000_000, perMs: 20 } }],
])(
  "claims of a queue with %s step over few of the jobs that have ended, though a snapshot keeps them all",
  async (_, settings) => {
    const jobs = 4_000;
    const read = await entriesRead(settings, { jobs, atATime: 5, keys: 0 });
    const { job_slot, job_lane, start_at } = read;
    expect(job_lane).toBeGreaterThan(jobs);
    // All that has ended is stepped over when they are read from the left end, as now and then they are.
    for (const entries of [job_slot, job_lane]) expect(entries).toBeLessThan(100 * jobs);
    expect(start_at).toBeLessThan(20 * jobs);
  },
);

test.each<[string, QueueSettings]>([
  ["without limits", {}],
  ["that limits each key", { keyConcurrency: 5 }],
])(
  "nor do claims of partition keys of a queue %s, once a look from the beginning of each key steps over many",
  async (_, settings) => {
    const jobs = 40_000;
    const { job_line } = await entriesRead(settings, { jobs, atATime: 20, keys: 20 });
    // 2,000 claims of 20 jobs, each from the beginning of each key, would step over 20,000 that have ended, and that twice.
    expect(job_line).toBeLessThan(800 * jobs);
  },
);
