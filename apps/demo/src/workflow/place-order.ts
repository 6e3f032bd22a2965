import { configure } from "@pillion/drizzle";
import { drizzle } from "drizzle-orm/node-postgres";
import type { Place } from "../shop.ts";
import { openPool } from "../shops/pool.ts";
import { fulfil } from "./jobs.ts";
import { orders } from "./tables.ts";

/** The shop takes an order: it and the job that fulfils it are one commit. */
export async function placeOrder(place: Place): Promise<{ orderId: number; jobId: string }> {
  const { enqueue } = configure({ schema: place.queue });
  const pool = openPool(place);
  try {
    return await drizzle({ client: pool }).transaction(async (tx) => {
      const bought = { sku: "lamp", quantity: 2, total: 8_400, country: "NL" };
      const [order] = await tx.insert(orders).values(bought).returning({ orderId: orders.id });
      const { orderId } = order!;
      const { id } = await enqueue(tx, fulfil({ orderId }));
      return { orderId, jobId: id };
    });
  } finally {
    await pool.end();
  }
}
