import assert from "node:assert/strict";
import { enqueue, type TransactionOf, transactional } from "@pillion/prisma";
import { expectEnqueued, runEnqueued } from "@pillion/prisma/testing";
import { PrismaClient, PrismaPg } from "../../packages/prisma/test/prisma-7/index.ts";
import { sendInvoice } from "./job-types.ts";

// What docs/testing.md shows of Prisma.

const prisma = new PrismaClient({
  adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL! }),
});
export const pool = { end: () => prisma.$disconnect() };
type Tx = TransactionOf<typeof prisma>;

async function placeOrder(tx: Tx, order: { id: string; total: number }) {
  await tx.order.create({ data: order });
  await enqueue(tx, sendInvoice({ orderId: order.id }));
}

const handlers = [
  transactional(prisma, sendInvoice, async (tx, job) => {
    await tx.order.update({ where: { id: job.payload.orderId }, data: { customer: "invoiced" } });
  }),
];

const over = new Error("the test is over");

async function rolledBack(test: (tx: Tx) => Promise<void>) {
  const ran = prisma.$transaction(
    async (tx) => {
      await test(tx);
      throw over;
    },
    { timeout: 60_000 },
  );
  await assert.rejects(ran, over);
}

async function checkOut(prisma: Pick<Tx, "$transaction">, order: { id: string; total: number }) {
  await prisma.$transaction((tx) => placeOrder(tx, order));
}

export const checkOutIsAtomic = () =>
  rolledBack(async (tx) => {
    await checkOut(tx, { id: "1", total: 30 });
    await assert.rejects(checkOut(tx, { id: "1", total: 40 }));
    await expectEnqueued(tx, sendInvoice, { orderId: "1" }, { times: 1 });
    await runEnqueued(tx, handlers);
    assert.deepEqual(await tx.order.findMany(), [{ id: "1", total: 30, customer: "invoiced" }]);
  });
