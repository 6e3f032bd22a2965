import { defineJob, type Job, type } from "@pillion/core";
import { configure, enqueue, enqueueMany, enqueueStandalone, type TransactionOf } from "@pillion/pg";
import pg from "pg";
import { z } from "zod";

// What docs/jobs.md and docs/keys.md show.

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });

export const sendInvoice = defineJob({
  name: "invoice.send",
  payload: z.object({ orderId: z.string(), copies: z.number().int().default(1) }),
  queue: "billing",
  maxAttempts: 8,
  timeoutMs: 30_000,
  backoff: { type: "exponential", baseMs: 1_000, factor: 2, maxMs: 3_600_000, jitter: 0.2 },
  retry: (error) => (error instanceof RangeError ? "discard" : "retry"),
});

export const rebuildIndex = defineJob({ name: "index.rebuild", payload: type<{ shop: string }>() });

export async function inOneTransaction(tx: TransactionOf<typeof pool>) {
  const { id, created, state } = await enqueue(tx, sendInvoice({ orderId: "7" }));
  console.log(id, created, state);

  await enqueue(tx, sendInvoice({ orderId: "8" }, { delayMs: 60_000, priority: 2 }));

  const answers = await enqueueMany(tx, [sendInvoice({ orderId: "9" }), rebuildIndex({ shop: "7" })]);
  console.log(answers.length);
}

export async function byItself() {
  await enqueueStandalone(pool, rebuildIndex({ shop: "7" }));
}

export async function onceAtMost(tx: TransactionOf<typeof pool>) {
  const { id, created } = await enqueue(tx, rebuildIndex({ shop: "7" }, { uniqueKey: "shop 7" }));
  if (!created) console.log(`job ${id} waits already, and will start after this commit`);
}

export async function inAnotherSchema(tx: TransactionOf<typeof pool>, job: Job) {
  const jobs = configure({ schema: "jobs", maxPayloadBytes: 65_536 });
  await jobs.enqueue(tx, job);
}
