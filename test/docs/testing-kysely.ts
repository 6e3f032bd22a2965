import assert from "node:assert/strict";
import { enqueue, transactional } from "@pillion/kysely";
import { expectEnqueued, runEnqueued } from "@pillion/kysely/testing";
import { type ControlledTransaction, Kysely, PostgresDialect, type Transaction } from "kysely";
import pg from "pg";
import { sendInvoice } from "./job-types.ts";

// What docs/testing.md shows of Kysely.

interface Tables {
  orders: { id: string; total: number };
  invoices: { order_id: string };
}
export const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });

async function placeOrder(trx: Transaction<Tables>, order: { id: string; total: number }) {
  await trx.insertInto("orders").values(order).execute();
  await enqueue(trx, sendInvoice({ orderId: order.id }));
}

const handlers = [
  transactional(db, sendInvoice, async (trx, job) => {
    await trx.insertInto("invoices").values({ order_id: job.payload.orderId }).execute();
  }),
];

async function rolledBack(test: (trx: Transaction<Tables>) => Promise<void>) {
  const trx = await db.startTransaction().execute();
  try {
    await test(trx);
  } finally {
    await trx.rollback().execute();
  }
}

/** A transaction of the instance, and a savepoint of a test's. */
async function inTransaction<T>(
  db: Kysely<Tables>,
  fn: (trx: Transaction<Tables>) => Promise<T>,
): Promise<T> {
  if (!db.isTransaction) return db.transaction().execute(fn);
  const trx = await (db as ControlledTransaction<Tables>).savepoint("app").execute();
  try {
    const result = await fn(trx);
    await trx.releaseSavepoint("app").execute();
    return result;
  } catch (error) {
    await trx.rollbackToSavepoint("app").execute();
    await trx.releaseSavepoint("app").execute();
    throw error;
  }
}

async function checkOut(db: Kysely<Tables>, order: { id: string; total: number }) {
  await inTransaction(db, (trx) => placeOrder(trx, order));
}

export const checkOutIsAtomic = () =>
  rolledBack(async (trx) => {
    await checkOut(trx, { id: "1", total: 30 });
    await assert.rejects(checkOut(trx, { id: "1", total: 40 }));
    await expectEnqueued(trx, sendInvoice, { orderId: "1" }, { times: 1 });
    await runEnqueued(trx, handlers);
    assert.equal((await trx.selectFrom("invoices").selectAll().execute()).length, 1);
    assert.throws(() => trx.transaction(), /not supported/);
  });
