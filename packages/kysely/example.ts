import { defineJob } from "@pillion/core";
import { createWorker, handle } from "@pillion/core/worker";
import { database, enqueue, type TransactionOf } from "@pillion/kysely";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { z } from "zod";

interface Tables {
  orders: { id: string; total: number };
}
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });

const sendInvoice = defineJob({
  name: "invoice.send",
  payload: z.object({ orderId: z.string() }),
});

/** A service: it takes the transaction of its caller, who decides what else is in it. */
async function placeOrder(trx: TransactionOf<typeof db>, order: Tables["orders"]) {
  await trx.insertInto("orders").values(order).execute();
  await enqueue(trx, sendInvoice({ orderId: order.id }));
}

// Commit: the order and its job exist.
await db.transaction().execute((trx) => placeOrder(trx, { id: "1", total: 30 }));

// Roll back: neither does.
await db
  .transaction()
  .execute(async (trx) => {
    await placeOrder(trx, { id: "2", total: 40 });
    throw new Error("card declined");
  })
  .catch((error: Error) => console.log(`order 2: ${error.message}`));

const worker = createWorker({
  database: database(db),
  listen: pool, // one connection with its options: the heartbeat, and to be woken by commits
  handlers: [
    handle(sendInvoice, async (job) => {
      console.log(`invoice of order ${job.payload.orderId}`);
    }),
  ],
});
await worker.runOnce();
await db.destroy();
