import "reflect-metadata";
import assert from "node:assert/strict";
import { enqueue, type TransactionOf, transactional } from "@pillion/typeorm";
import { expectEnqueued, runEnqueued } from "@pillion/typeorm/testing";
import { DataSource, EntitySchema } from "typeorm";
import { sendInvoice } from "./job-types.ts";

// What docs/testing.md shows of TypeORM.

const Orders = new EntitySchema<{ id: string; total: number }>({
  name: "orders",
  columns: { id: { type: "text", primary: true }, total: { type: "integer" } },
});
const dataSource = new DataSource({ type: "postgres", url: process.env.DATABASE_URL!, entities: [Orders] });
export const pool = { end: () => dataSource.destroy() };
type Tx = TransactionOf<typeof dataSource>;

async function placeOrder(manager: Tx, order: { id: string; total: number }) {
  await manager.insert(Orders, order);
  await enqueue(manager, sendInvoice({ orderId: order.id }));
}

const handlers = () => [
  transactional(dataSource, sendInvoice, async (manager, job) => {
    await manager.query("insert into invoices (order_id) values ($1)", [job.payload.orderId]);
  }),
];

async function rolledBack(test: (manager: Tx) => Promise<void>) {
  const runner = dataSource.createQueryRunner();
  try {
    await runner.startTransaction();
    await test(runner.manager);
  } finally {
    await runner.rollbackTransaction();
    await runner.release();
  }
}

async function checkOut(manager: Tx, order: { id: string; total: number }) {
  await manager.transaction((tx) => placeOrder(tx, order));
}

export const checkOutIsAtomic = async () => {
  await dataSource.initialize();
  await rolledBack(async (manager) => {
    await checkOut(manager, { id: "1", total: 30 });
    await assert.rejects(checkOut(manager, { id: "1", total: 40 }));
    await expectEnqueued(manager, sendInvoice, { orderId: "1" }, { times: 1 });
    await runEnqueued(manager, handlers());
    const invoices: unknown = await manager.query("select order_id from invoices");
    assert.deepEqual(invoices, [{ order_id: "1" }]);
  });
};
