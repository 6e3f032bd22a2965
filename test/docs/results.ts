import { defineJob, type } from "@pillion/core";
import { createAdmin } from "@pillion/core/admin";
import { handle } from "@pillion/core/worker";
import pg from "pg";
import { z } from "zod";

// What docs/results.md and docs/retention.md show.

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
declare function totalOf(cartId: string): Promise<number>;

const priceCart = defineJob({
  name: "cart.price",
  payload: type<{ cartId: string }>(),
  result: z.object({ total: z.number() }),
});

const price = handle(priceCart, async ({ payload }) => ({ total: await totalOf(payload.cartId) }));

const admin = createAdmin({ database: pool });

export async function priced(id: string, signal: AbortSignal) {
  const { total } = await admin.waitFor(id, priceCart, { timeoutMs: 10_000, signal });
  return total;
}

export async function keepForLess() {
  await admin.setQueue("mail", { keepCompletedMs: 86_400_000, keepDeadMs: 31_536_000_000 });
}

export const handlers = [price];
