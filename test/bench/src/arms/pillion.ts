import { defineJob, type } from "@pillion/core";
import { migrate } from "@pillion/core/migrate";
import { createWorker, handle, type WorkerOptions } from "@pillion/core/worker";
import { enqueue, enqueueMany } from "@pillion/pg";
import type { Mode, System } from "./arm.ts";

/** The job of all benches but enqueue. No validator: its time would be the validator's. */
const noop = defineJob({ name: "noop", payload: type<{ i: number }>() });

const options: Record<Mode, Partial<WorkerOptions>> = {
  default: {},
  best: { concurrency: 500 },
  polling: { listen: false },
  beside: { concurrency: 500, queues: ["default", "other"] },
};

export const pillion: System = {
  name: "pillion",
  modes: {
    default: "nothing set",
    best: "concurrency 500",
    polling: "listen: false",
    beside: "concurrency 500, a second queue",
  },

  async prepare(url) {
    await migrate({ database: url });
  },
  async clean(pool) {
    await pool.query(
      "truncate pillion.job, pillion.batch, pillion.archive, pillion.attempt, pillion.unique_key",
    );
  },
  async holds(pool) {
    // Their own indexes answer, however many jobs wait.
    const { rowCount } = await pool.query(
      "select from pillion.batch union all select from pillion.job where state = 'running' and partition_key is null limit 1",
    );
    return rowCount === 1;
  },
  async produce() {
    return {
      async one(client, i) {
        await enqueue(client, noop({ i }));
      },
      async many(client, is) {
        await enqueueMany(
          client,
          is.map((i) => noop({ i })),
        );
      },
      async close() {},
    };
  },
  async work(url, mode, handler) {
    const worker = createWorker({
      database: url,
      handlers: [handle(noop, ({ payload }) => handler(payload.i))],
      logger: { info() {}, warn() {}, error: console.error },
      ...options[mode],
    });
    await worker.start();
    return () => worker.stop();
  },
};
