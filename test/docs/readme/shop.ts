// shop.ts: the application
import { enqueue, type TransactionOf } from "@pillion/drizzle";
import { drizzle } from "drizzle-orm/node-postgres";
import { pgTable, text } from "drizzle-orm/pg-core";
import { sendInvoice } from "./jobs.ts";

const db = drizzle(process.env.DATABASE_URL!);
const orders = pgTable("orders", { id: text().primaryKey(), customer: text().notNull() });
await db.execute("create table if not exists orders (id text primary key, customer text not null)");

// A service: it takes the transaction of its caller. `db` itself does not compile here.
async function placeOrder(tx: TransactionOf<typeof db>, order: typeof orders.$inferInsert) {
  await tx.insert(orders).values(order);
  await enqueue(tx, sendInvoice({ orderId: order.id })); // one statement, on this connection
}

// If anything in here throws, neither the order nor its job exists.
await db.transaction((tx) => placeOrder(tx, { id: crypto.randomUUID(), customer: "Ada" }));
await db.$client.end();
