import { defineTopic, type } from "@pillion/core";
import { createAdmin } from "@pillion/core/admin";
import { cancel, enqueue, pause, publish, reschedule, resume, retry, type TransactionOf } from "@pillion/pg";
import pg from "pg";
import { rebuildIndex, sendInvoice } from "./job-types.ts";

// What docs/verbs.md shows.

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });

export async function placeOrder(tx: TransactionOf<typeof pool>, order: { id: string }) {
  await tx.query("insert into orders (id) values ($1)", [order.id]);
  await enqueue(tx, sendInvoice({ orderId: order.id }, { headers: { order: order.id } }));
}

export async function cancelOrder(tx: TransactionOf<typeof pool>, order: { id: string }) {
  await tx.query("update orders set cancelled_at = now() where id = $1", [order.id]);
  await cancel(tx, { headers: { order: order.id } });
}

export async function later(tx: TransactionOf<typeof pool>, id: string) {
  await cancel(tx, id);
  await retry(tx, id);
  await reschedule(tx, { name: rebuildIndex }, { delayMs: 3_600_000 });
  const { ids, next } = await retry(tx, { queue: "billing", state: "dead" });
  console.log(ids.length, next);
}

export async function aroundMaintenance(tx: TransactionOf<typeof pool>) {
  await pause(tx, "billing");
  await resume(tx, "billing");
}

export const orderPlaced = defineTopic({ name: "order.placed", payload: type<{ orderId: string }>() });

export async function announce(tx: TransactionOf<typeof pool>, order: { id: string }) {
  const jobs = await publish(tx, orderPlaced, { orderId: order.id });
  for (const { name, queue, id } of jobs) console.log(name, queue, id);
}

export async function byAnOperator(url: string) {
  const admin = createAdmin({ database: url });
  await admin.subscribe(orderPlaced, sendInvoice);
  await admin.setQueue("billing", { concurrency: 20, rate: { limit: 100, perMs: 60_000 } });

  const { count } = await admin.redrive({ queue: "billing" }, { onProgress: (count) => console.log(count) });
  console.log(`${count} dead jobs of billing are ready again`);

  await admin.purge({ queue: "billing", name: rebuildIndex });
  for (const { name, ready, running, pausedAt } of await admin.queues())
    console.log(name, ready, running, pausedAt);
  const dead = await admin.jobs({ state: "dead" }, { limit: 20 });
  const older = await admin.jobs({ state: "dead" }, { limit: 20, before: dead.at(-1)?.id });
  console.log(older.length);
  await admin.close();
}
