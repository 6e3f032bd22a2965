import type { Job } from "@pillion/core";
import { configure, enqueue, enqueueMany, enqueueStandalone, type TransactionOf } from "@pillion/pg";
import pg from "pg";
import { rebuildIndex, sendInvoice } from "./job-types.ts";

// What docs/jobs.md and docs/keys.md show of enqueueing them.

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });

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

export async function theLatestOnly(tx: TransactionOf<typeof pool>, shop: string) {
  await enqueue(tx, rebuildIndex({ shop }, { uniqueKey: shop, delayMs: 30_000, onConflict: "debounce" }));
}

export async function inAnotherSchema(tx: TransactionOf<typeof pool>, job: Job) {
  const jobs = configure({ schema: "jobs", maxPayloadBytes: 65_536 });
  await jobs.enqueue(tx, job);
}
