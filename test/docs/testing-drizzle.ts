import assert from "node:assert/strict";
import { defineEvent, type } from "@pillion/core";
import { emit, enqueue, handle, type TransactionOf, transactional } from "@pillion/drizzle";
import { expectEnqueued, runEnqueued } from "@pillion/drizzle/testing";
import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { integer, pgTable, text } from "drizzle-orm/pg-core";
import pg from "pg";
import { sendInvoice } from "./job-types.ts";

// What docs/testing.md shows.

export const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
const db = drizzle({ client: pool });
const orders = pgTable("orders", { id: text().primaryKey(), total: integer().notNull() });
const invoices = pgTable("invoices", { orderId: text("order_id").notNull(), total: integer().notNull() });

type Database = Pick<typeof db, "transaction">;
type Tx = TransactionOf<typeof db>;

async function placeOrder(tx: Tx, order: { id: string; total: number }) {
  await tx.insert(orders).values(order);
  if (order.total > 0) await enqueue(tx, sendInvoice({ orderId: order.id }));
}

const handlers = [
  transactional(db, sendInvoice, async (tx, job) => {
    const [order] = await tx.select().from(orders).where(eq(orders.id, job.payload.orderId));
    await tx.insert(invoices).values({ orderId: order!.id, total: order!.total });
  }),
];

export const anOrderIsInvoiced = () =>
  rolledBack(async (tx) => {
    await placeOrder(tx, { id: "1", total: 30 });
    await expectEnqueued(tx, sendInvoice, { orderId: "1" });

    await runEnqueued(tx, handlers);
    assert.deepEqual(await tx.select().from(invoices), [{ orderId: "1", total: 30 }]);
  });

export const aGiftIsNotInvoiced = () =>
  rolledBack(async (tx) => {
    await placeOrder(tx, { id: "1", total: 0 });
    await expectEnqueued(tx, sendInvoice, {}, { times: 0 });
  });

export const remindersAreSentNextDay = () =>
  rolledBack(async (tx) => {
    await tx.insert(orders).values({ id: "1", total: 30 });
    await enqueue(tx, sendInvoice({ orderId: "1" }, { delayMs: 86_400_000 }));

    const { ran } = await runEnqueued(tx, handlers);
    assert.equal(ran.length, 0);

    await runEnqueued(tx, handlers, { now: new Date(Date.now() + 2 * 86_400_000) });
    assert.equal((await tx.select().from(invoices)).length, 1);
  });

export const anInvoiceWithoutItsOrderFails = () =>
  rolledBack(async (tx) => {
    await enqueue(tx, sendInvoice({ orderId: "404" }));
    await assert.rejects(runEnqueued(tx, handlers), { code: "JOBS_FAILED" });

    const [job] = await expectEnqueued(tx, sendInvoice);
    assert.equal(job!.attempt, 1);
  });

const packed = defineEvent({ name: "shipment.packed", payload: type<{ boxes: number }>() });
const invoiceOncePacked = handle(db, sendInvoice, async (job) => {
  const { boxes } = await job.waitForEvent(packed(job.payload.orderId));
  await job.sleep(86_400_000);
  await job.stepTx("invoice", async (tx) => {
    await tx.insert(invoices).values({ orderId: job.payload.orderId, total: boxes * 30 });
  });
});

export const aParcelIsInvoicedTheDayAfter = () =>
  rolledBack(async (tx) => {
    await enqueue(tx, sendInvoice({ orderId: "1" }));
    await runEnqueued(tx, [invoiceOncePacked]);

    await emit(tx, packed("1"), { boxes: 2 });
    await runEnqueued(tx, [invoiceOncePacked]);
    assert.equal((await tx.select().from(invoices)).length, 0);

    await runEnqueued(tx, [invoiceOncePacked], { now: new Date(Date.now() + 2 * 86_400_000) });
    assert.deepEqual(await tx.select().from(invoices), [{ orderId: "1", total: 60 }]);
  });

async function checkOut(db: Database, order: { id: string; total: number }) {
  await db.transaction((tx) => placeOrder(tx, order));
}

const over = new Error("the test is over");

async function rolledBack(test: (tx: Tx) => Promise<void>) {
  const ran = db.transaction(async (tx) => {
    await test(tx);
    throw over;
  });
  await assert.rejects(ran, over);
}

export const checkOutIsAtomic = () =>
  rolledBack(async (tx) => {
    await checkOut(tx, { id: "1", total: 30 });
    await assert.rejects(checkOut(tx, { id: "1", total: 40 }));
    await expectEnqueued(tx, sendInvoice, { orderId: "1" }, { times: 1 });
  });
