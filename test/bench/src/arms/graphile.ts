import { Logger, type RunnerOptions, run, runMigrations } from "graphile-worker";
import type { Mode, System } from "./arm.ts";

/** It says a line for each job otherwise, as its own performance test turns off. */
process.env.NO_LOG_SUCCESS = "1";
const logger = new Logger(() => (level, message) => {
  if (level === "error") console.error(message);
});

/** https://worker.graphile.org/docs/performance, and a refetch delay so that a short batch is not asked for at once. */
const best = {
  concurrentJobs: 24,
  maxPoolSize: 25,
  localQueue: { size: 500, refetchDelay: { durationMs: 10 } },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
} as const;

const options: Partial<Record<Mode, Partial<RunnerOptions>>> = {
  default: {},
  best: { preset: { worker: best } },
};

export const graphile: System = {
  name: "graphile-worker",
  modes: {
    default: "nothing set",
    best: "concurrentJobs 24, localQueue 500, refetchDelay 10 ms, batch delays 0",
  },

  async prepare(connectionString) {
    await runMigrations({ connectionString, logger });
  },
  async clean(pool) {
    await pool.query("truncate graphile_worker._private_jobs");
  },
  async holds(pool) {
    const { rowCount } = await pool.query(
      "select from graphile_worker._private_jobs where locked_at is not null limit 1",
    );
    return rowCount === 1;
  },
  async produce() {
    return {
      async one(client, i) {
        await client.query("select graphile_worker.add_job('noop', $1)", [JSON.stringify({ i })]);
      },
      async many(client, is) {
        await client.query(addJobs, [JSON.stringify(is.map((i) => ({ payload: { i } })))]);
      },
      async close() {},
    };
  },
  async work(connectionString, mode, handler) {
    const runner = await run({
      connectionString,
      noHandleSignals: true,
      logger,
      taskList: { noop: (payload) => handler((payload as { i: number }).i) },
      ...options[mode],
    });
    return () => runner.stop();
  },
};

/** What its `addJobs` sends, without the rows that come back. */
const addJobs = `
select count(*) from graphile_worker.add_jobs(array(
  select row('noop', j.payload, null, null, null, null, null, null)::graphile_worker.job_spec
  from json_to_recordset($1) as j(payload json)))`;
