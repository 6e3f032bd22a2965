import { enqueue, idempotent, type TransactionOf } from "@pillion/pg";
import pg from "pg";
import { sendInvoice } from "./job-types.ts";

// What docs/idempotency.md shows.

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });

export async function placeOrder(tx: TransactionOf<typeof pool>, requestId: string, order: { id: string }) {
  return idempotent(tx, ["orders.place", requestId], async () => {
    await tx.query("insert into orders (id) values ($1)", [order.id]);
    const { id } = await enqueue(tx, sendInvoice({ orderId: order.id }));
    return { orderId: order.id, invoiceJob: id };
  });
}

export async function receiveWebhook(tx: TransactionOf<typeof pool>, event: { id: string; orderId: string }) {
  await idempotent(
    tx,
    ["payments.webhook", event.id],
    async () => {
      await enqueue(tx, sendInvoice({ orderId: event.orderId }));
    },
    { keepMs: 7 * 86_400_000 },
  );
}
