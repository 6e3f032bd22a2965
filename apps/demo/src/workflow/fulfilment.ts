import type { Handler } from "@pillion/core/worker";
import { configure } from "@pillion/drizzle";
import { eq, sql } from "drizzle-orm";
import type { NodePgDatabase } from "drizzle-orm/node-postgres";
import { fulfil, packed } from "./jobs.ts";
import { type Diary, narrated } from "./narrated.ts";
import type { Outside } from "./outside.ts";
import { invoices, orders, products, reservations, taxRates } from "./tables.ts";

/** The handler of this scene, as an application writes it. `narrated` only says what happens. */
export function fulfilment(
  db: NodePgDatabase,
  { queue, outside, diary }: { queue: string; outside: Outside; diary: Diary },
): Handler {
  const { handle } = configure({ schema: queue });
  return handle(db, fulfil, async (given) => {
    const job = narrated(given, diary);
    const { orderId } = job.payload;

    const { total, country } = await job.stepTx("reserve", async (tx) => {
      const [order] = await tx.select().from(orders).where(eq(orders.id, orderId));
      const { sku, quantity, total, country } = order!;
      const less = { stock: sql`${products.stock} - ${quantity}` };
      await tx.update(products).set(less).where(eq(products.sku, sku));
      await tx.insert(reservations).values({ orderId, quantity });
      return { total, country };
    });

    await job.step("charge", () => outside.post("charge", { orderId }, job.key("charge")));

    await job.stepTx("invoice", async (tx) => {
      await tx.insert(invoices).values({ orderId, total });
      const [rate] = await tx.select().from(taxRates).where(eq(taxRates.country, country));
      if (!rate) throw new Error(`no tax rate for ${country}`);
      const tax = Math.round((total * rate.percent) / 100);
      await tx.update(invoices).set({ tax }).where(eq(invoices.orderId, orderId));
      return { tax };
    });

    const { boxes } = await job.waitForEvent(packed(orderId));

    await job.step("mail", () => outside.post("mail", { orderId, boxes }, job.key("mail")));
  });
}
