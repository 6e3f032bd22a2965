import { defineJob } from "@pillion/core";
import { createWorker, handle } from "@pillion/core/worker";
import { enqueue, type TransactionOf } from "@pillion/pg";
import pg from "pg";
import { z } from "zod";

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });

const sendInvoice = defineJob({
  name: "invoice.send",
  payload: z.object({ orderId: z.string() }),
});

interface Order {
  id: string;
  total: number;
}

/** A service: it takes the transaction of its caller, who decides what else is in it. */
async function placeOrder(tx: TransactionOf<typeof pool>, order: Order) {
  await tx.query("insert into orders (id, total) values ($1, $2)", [order.id, order.total]);
  await enqueue(tx, sendInvoice({ orderId: order.id }));
}

async function transaction<T>(work: (tx: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let failed = false;
  try {
    await client.query("begin");
    const result = await work(client);
    await client.query("commit");
    return result;
  } catch (error) {
    // Where even this fails, the connection is gone: the pool must not lend it again.
    await client.query("rollback").catch(() => {
      failed = true;
    });
    throw error;
  } finally {
    client.release(failed);
  }
}

// Commit: the order and its job exist.
await transaction((tx) => placeOrder(tx, { id: "1", total: 30 }));

// Roll back: neither does.
await transaction(async (tx) => {
  await placeOrder(tx, { id: "2", total: 40 });
  throw new Error("card declined");
}).catch((error: Error) => console.log(`order 2: ${error.message}`));

const worker = createWorker({
  database: pool,
  handlers: [
    handle(sendInvoice, async (job) => {
      console.log(`invoice of order ${job.payload.orderId}`);
    }),
  ],
});
await worker.runOnce();
await pool.end();
