import { setTimeout as pause } from "node:timers/promises";
import { defineJob, type } from "@pillion/core";
import { createWorker, handle } from "@pillion/core/worker";
import type { BenchDatabase } from "./tables.ts";

/** What happens beside the clients' transactions while they are measured. */
export interface Setting {
  readonly name: string;
  /** Makes it so. */
  start(database: BenchDatabase): Promise<Running>;
}

interface Running {
  /** Jobs that its worker has run. */
  done(): number;
  stop(): Promise<void>;
}

const sendMail = defineJob({ name: "mail.send", queue: "mail", payload: type<null>() });
const remind = defineJob({ name: "invoice.remind", queue: "billing", payload: type<null>() });

export const settings: readonly Setting[] = [
  { name: "no worker", start: async () => ({ done: () => 0, stop: async () => {} }) },
  { name: "worker asleep on another queue", start: (database) => asleep(database, sendMail) },
  // It handles none of the clients' jobs: commits wake it for nothing, until it looks by itself for a while.
  { name: "worker asleep on this queue", start: (database) => asleep(database, remind) },
  { name: "worker awake, draining a standing load", start: draining },
];

async function asleep({ url, schema, pool }: BenchDatabase, jobType: typeof sendMail): Promise<Running> {
  const worker = createWorker({
    database: url,
    schema,
    handlers: [handle(jobType, () => {})],
    logger: false,
  });
  await worker.start();
  const lock =
    "select from pg_locks where locktype = 'advisory' and mode = 'ExclusiveLock' and granted and classid = 'job'::regclass";
  while ((await pool.query(lock)).rowCount === 0) await pause(20);
  return { done: () => 0, stop: () => worker.stop() };
}

/**
 * The load waits in the clients' queue, before their jobs, and its handlers take 5 ms: ten at a time are the same load
 * beside every arm, at most 2,000 jobs/s, and it never runs out.
 */
async function draining({ url, schema, pool }: BenchDatabase): Promise<Running> {
  let done = 0;
  await pool.query(
    `insert into job (queue, name, priority, max_attempts, payload)
     select 'billing', 'invoice.remind', 4, 20, 'null' from generate_series(1, 300000)`,
  );
  const worker = createWorker({
    database: url,
    schema,
    concurrency: 10,
    handlers: [
      handle(remind, async () => {
        await pause(5);
        done++;
      }),
    ],
    logger: false,
  });
  await worker.start();
  return {
    done: () => done,
    async stop() {
      await worker.stop();
      await pool.query("truncate job, archive");
    },
  };
}
