import { defineJob } from "@pillion/core";
import { createWorker, handle } from "@pillion/core/worker";
import { database, enqueue, enqueueQuery, type TransactionOf } from "@pillion/prisma";
import { z } from "zod";
import { PrismaClient, PrismaPg } from "./test/prisma-7/index.ts";

const prisma = new PrismaClient({
  adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL! }),
});

const sendInvoice = defineJob({
  name: "invoice.send",
  payload: z.object({ orderId: z.string() }),
});

interface Order {
  id: string;
  total: number;
}

/** A service: it takes the transaction of its caller, who decides what else is in it. */
async function placeOrder(tx: TransactionOf<typeof prisma>, order: Order) {
  await tx.order.create({ data: order });
  await enqueue(tx, sendInvoice({ orderId: order.id }));
}

// Commit: the order and its job exist.
await prisma.$transaction((tx) => placeOrder(tx, { id: "1", total: 30 }));

// Roll back: neither does.
await prisma
  .$transaction(async (tx) => {
    await placeOrder(tx, { id: "2", total: 40 });
    throw new Error("card declined");
  })
  .catch((error: Error) => console.log(`order 2: ${error.message}`));

// The array form: enqueueQuery makes the query, Prisma runs it with the others.
await prisma.$transaction([
  prisma.order.create({ data: { id: "3", total: 50 } }),
  enqueueQuery(prisma, sendInvoice({ orderId: "3" })),
]);

const worker = createWorker({
  database: database(prisma),
  listen: process.env.DATABASE_URL, // one connection: the heartbeat, and to be woken by commits
  handlers: [
    handle(sendInvoice, async (job) => {
      console.log(`invoice of order ${job.payload.orderId}`);
    }),
  ],
});
await worker.runOnce();
await prisma.$disconnect();
