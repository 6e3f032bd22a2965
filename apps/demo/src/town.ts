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

/** Gets the demo a real Postgres, and in it a schema for the shops' rows and one for the queue. */
export async function openTown(): Promise<Town> {
  const given = process.env.DATABASE_URL;
  const server = given ? undefined : await startPostgres();
  const url = given ?? server!.url;
  const shop = await scratchSchema(url, "demo_shop");
  const queue = await scratchSchema(url, "demo_queue");
  const pool = new pg.Pool({ connectionString: shop.url, max: 4 });
  pool.on("error", () => {});
  await pool.query(`
    create table customers (id integer primary key);
    insert into customers select generate_series(1, 5);
    create table orders (
      id        integer primary key,
      shop      text not null,
      customer  integer not null references customers deferrable initially deferred,
      total     integer not null check (total > 0)
    );
    -- No unique constraint on job_id or order_id: an invoice written twice would stay, and be counted.
    create table invoices (job_id text not null, order_id integer not null, shop text not null);
    create index on invoices (job_id);
    create table handler_start (job_id text not null, shop text not null, worker text not null)`);
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
