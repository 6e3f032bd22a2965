import assert from "node:assert/strict";
import { enqueue, type TransactionOf, transactional } from "@pillion/pg";
import { expectEnqueued, runEnqueued } from "@pillion/pg/testing";
import pg from "pg";
import { sendInvoice } from "./job-types.ts";

// What docs/testing.md shows of pg.

export const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
type Tx = TransactionOf<typeof pool>;

async function placeOrder(tx: Tx, order: { id: string; total: number }) {
  await tx.query("insert into orders (id, total) values ($1, $2)", [order.id, order.total]);
  await enqueue(tx, sendInvoice({ orderId: order.id }));
}

const handlers = [
  transactional(pool, sendInvoice, async (tx, job) => {
    await tx.query("insert into invoices (order_id) values ($1)", [job.payload.orderId]);
  }),
];

async function rolledBack(test: (tx: Tx) => Promise<void>) {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await test(client);
  } finally {
    await client.query("rollback");
    client.release();
  }
}

/** BEGIN by itself, and a savepoint inside a transaction. */
async function inTransaction<T>(client: Tx, fn: () => Promise<T>): Promise<T> {
  const [begin, commit, rollback] =
    client.getTransactionStatus() === "I"
      ? ["begin", "commit", "rollback"]
      : ["savepoint app", "release app", "rollback to app; release app"];
  await client.query(begin!);
  try {
    const result = await fn();
    await client.query(commit!);
    return result;
  } catch (error) {
    await client.query(rollback!);
    throw error;
  }
}

async function checkOut(client: Tx, order: { id: string; total: number }) {
  await inTransaction(client, () => placeOrder(client, order));
}

export const checkOutIsAtomic = () =>
  rolledBack(async (tx) => {
    await checkOut(tx, { id: "1", total: 30 });
    await assert.rejects(checkOut(tx, { id: "1", total: 40 }));
    await expectEnqueued(tx, sendInvoice, { orderId: "1" }, { times: 1 });
    await runEnqueued(tx, handlers);
    assert.equal((await tx.query("select from invoices")).rowCount, 1);
  });
