import "reflect-metadata";
import { defineJob } from "@pillion/core";
import { createWorker, handle } from "@pillion/core/worker";
import { database, enqueue, type TransactionOf } from "@pillion/typeorm";
import { DataSource, EntitySchema } from "typeorm";
import { z } from "zod";

interface Order {
  id: string;
  total: number;
}
const Orders = new EntitySchema<Order>({
  name: "orders",
  columns: { id: { type: "text", primary: true }, total: { type: "integer" } },
});
const dataSource = new DataSource({
  type: "postgres",
  url: process.env.DATABASE_URL!,
  entities: [Orders],
});
await dataSource.initialize();

const sendInvoice = defineJob({
  name: "invoice.send",
  payload: z.object({ orderId: z.string() }),
});

/** A service: it takes the transaction of its caller, who decides what else is in it. */
async function placeOrder(manager: TransactionOf<typeof dataSource>, order: Order) {
  await manager.insert(Orders, order);
  await enqueue(manager, sendInvoice({ orderId: order.id }));
}

// Commit: the order and its job exist.
await dataSource.transaction((manager) => placeOrder(manager, { id: "1", total: 30 }));

// Roll back: neither does.
await dataSource
  .transaction(async (manager) => {
    await placeOrder(manager, { id: "2", total: 40 });
    throw new Error("card declined");
  })
  .catch((error: Error) => console.log(`order 2: ${error.message}`));

const worker = createWorker({
  database: database(dataSource),
  handlers: [
    handle(sendInvoice, async (job) => {
      console.log(`invoice of order ${job.payload.orderId}`);
    }),
  ],
});
await worker.runOnce();
await dataSource.destroy();
