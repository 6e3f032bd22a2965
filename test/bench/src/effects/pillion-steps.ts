import { defineJob, type } from "@pillion/core";
import { migrate } from "@pillion/core/migrate";
import { createWorker, handle, type WorkerOptions } from "@pillion/core/worker";
import { enqueueMany } from "@pillion/pg";
import { answer, type StepMode, type Stepper, stepsOfJob } from "./stepper.ts";

const stepped = defineJob({ name: "stepped", payload: type<{ i: number }>() });

const options: Record<StepMode, Partial<WorkerOptions>> = {
  default: {},
  best: { concurrency: 500 },
  one: { concurrency: 1 },
};

export const pillionSteps: Stepper = {
  async prepare(pool) {
    await migrate({ database: pool });
  },
  async fill(pool, jobs) {
    await pool.query(
      "truncate pillion.job, pillion.batch, pillion.archive, pillion.attempt, pillion.checkpoint",
    );
    const client = await pool.connect();
    await client.query("begin");
    await enqueueMany(
      client,
      Array.from({ length: jobs }, (_, i) => stepped({ i })),
    );
    await client.query("commit");
    client.release();
  },
  async work(url, mode, onDone) {
    const worker = createWorker({
      database: url,
      handlers: [
        handle(stepped, async (job) => {
          for (let step = 0; step < stepsOfJob; step++) await job.step(`step ${step}`, () => answer(step));
          onDone();
        }),
      ],
      logger: { info() {}, warn: console.error, error: console.error },
      ...options[mode],
    });
    await worker.start();
    return () => worker.stop();
  },
  async holds(pool) {
    const { rowCount } = await pool.query(
      "select from pillion.batch union all select from pillion.job limit 1",
    );
    return rowCount === 1;
  },
  async written(pool) {
    const { rows } = await pool.query(
      `select (select count(*)::int from pillion.archive where state = 'completed') as jobs,
         (select count(*)::int from pillion.checkpoint where done) as steps`,
    );
    return rows[0];
  },
};
