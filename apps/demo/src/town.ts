import { setTimeout as sleep } from "node:timers/promises";
import { migrate } from "@pillion/core/migrate";
import { scratchSchema, startPostgres } from "@pillion/dev-postgres";
import pg from "pg";
import type { Place } from "./shop.ts";

export interface Town {
  readonly place: Place;
  /** What the demo itself looks through: a connection that no shop and no worker uses. */
  readonly pool: pg.Pool;
  /** Drops both schemas, and stops the server if the demo started it. */
  close(): Promise<void>;
}

/** Gets a scene a real Postgres, and in it a schema for the shops' tables and one for the queue. */
export async function openTown(tables: string): Promise<Town> {
  const given = process.env.DATABASE_URL;
  const server = given ? undefined : await startPostgres();
  const url = given ?? server!.url;
  const shop = await scratchSchema(url, "demo_shop");
  const queue = await scratchSchema(url, "demo_queue");
  const pool = new pg.Pool({ connectionString: shop.url, max: 4 });
  pool.on("error", () => {});
  await pool.query(tables);
  await migrate({ database: url, schema: queue.name });
  return {
    place: { url: shop.url, schema: shop.name, queue: queue.name },
    pool,
    async close() {
      await pool.end();
      await shop.drop();
      await queue.drop();
      await server?.stop();
    },
  };
}

/** Resolves when no job waits or runs any more, or after a minute, which it says. Rejects when the signal aborts. */
export async function drained({ pool, place: { queue } }: Town, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const { rows } = await pool.query(`select from "${queue}".live limit 1`);
    if (rows.length === 0) return;
    if (Date.now() > deadline) return console.error("The workers are not done after a minute.");
    await sleep(50, undefined, { signal });
  }
}
