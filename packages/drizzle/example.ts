import { defineJob } from "@pillion/core";
import { createWorker, handle } from "@pillion/core/worker";
import { database, enqueue, type TransactionOf } from "@pillion/drizzle";
import { drizzle } from "drizzle-orm/node-postgres";
import { integer, pgTable, text } from "drizzle-orm/pg-core";
import pg from "pg";
import { z } from "zod";

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
const db = drizzle({ client: pool });
const orders = pgTable("orders", { id: text().primaryKey(), total: integer().notNull() });

const sendInvoice = defineJob({
  name: "invoice.send",
  payload: z.object({ orderId: z.string() }),
});

/** A service: it takes the transaction of its caller, who decides what else is in it. */
async function placeOrder(tx: TransactionOf<typeof db>, order: typeof orders.$inferInsert) {
  await tx.insert(orders).values(order);
  await enqueue(tx, sendInvoice({ orderId: order.id }));
}

// Commit: the order and its job exist.
await db.transaction((tx) => placeOrder(tx, { id: "1", total: 30 }));

// Roll back: neither does.
await db
  .transaction(async (tx) => {
    await placeOrder(tx, { id: "2", total: 40 });
    throw new Error("card declined");
  })
  .catch((error: Error) => console.log(`order 2: ${error.message}`));

const worker = createWorker({
  database: database(db),
  handlers: [
    handle(sendInvoice, async (job) => {
      console.log(`invoice of order ${job.payload.orderId}`);
    }),
  ],
});
await worker.runOnce();
await pool.end();
