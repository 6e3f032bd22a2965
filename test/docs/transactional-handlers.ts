import { createWorker } from "@pillion/core/worker";
import { handle, transactional } from "@pillion/drizzle";
import { drizzle } from "drizzle-orm/node-postgres";
import { integer, pgTable, text } from "drizzle-orm/pg-core";
import pg from "pg";
import { sendInvoice } from "./job-types.ts";

// What docs/transactional-handlers.md shows.

const url = process.env.DATABASE_URL!;
const invoices = pgTable("invoices", { orderId: text("order_id").notNull(), total: integer("total") });
const db = drizzle(new pg.Pool({ connectionString: url, max: 10 }));

const invoice = transactional(db, sendInvoice, async (tx, job) => {
  await tx.insert(invoices).values({ orderId: job.payload.orderId });
});

export const worker = createWorker({ database: url, handlers: [invoice], concurrency: 10 });

export const charge = handle(db, sendInvoice, async (job) => {
  const answer = await fetch("https://payments.example/charges", {
    method: "POST",
    headers: { "Idempotency-Key": job.id },
    signal: job.signal,
  });
  const { total } = (await answer.json()) as { total: number };
  return job.commit(async (tx) => {
    await tx.insert(invoices).values({ orderId: job.payload.orderId, total });
  });
});

export const strict = transactional(
  db,
  sendInvoice,
  async (tx, job) => {
    await tx.insert(invoices).values({ orderId: job.payload.orderId });
  },
  { isolationLevel: "serializable" },
);
