import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { migrate } from "@pillion/core/migrate";
import { scratchSchema } from "@pillion/dev-postgres";
import * as oldest from "drizzle-orm";
import { drizzle as drizzleOnPg } from "drizzle-orm/node-postgres";
import * as oldestPg from "drizzle-orm/pg-core";
import { drizzle as drizzleOnPostgresJs } from "drizzle-orm/postgres-js";
import * as newest from "drizzle-orm-rc";
import { drizzle as rcOnPg } from "drizzle-orm-rc/node-postgres";
import * as newestPg from "drizzle-orm-rc/pg-core";
import pg from "pg";
import postgres from "postgres";
import { expect, expectTypeOf, inject, onTestFinished, test } from "vitest";
import * as view from "../src/view.ts";

/** The same source beside drizzle-orm 1.0, as whoever has that finds it. */
async function besideRc(): Promise<typeof view> {
  const file = fileURLToPath(new URL(`../node_modules/.view-rc-${process.pid}.ts`, import.meta.url));
  onTestFinished(() => rmSync(file));
  const source = readFileSync(new URL("../src/view.ts", import.meta.url), "utf8");
  writeFileSync(file, source.replace('"drizzle-orm/pg-core"', '"drizzle-orm-rc/pg-core"'));
  return import(/* @vite-ignore */ pathToFileURL(file).href);
}

const drivers = {
  "0.45 on pg": async (url: string) => {
    const pool = new pg.Pool({ connectionString: url });
    onTestFinished(() => pool.end());
    return { db: drizzleOnPg(pool), drizzle: oldest, pgCore: oldestPg, jobsView: view.jobsView };
  },
  "0.45 on postgres.js": async (url: string) => {
    const client = postgres(url);
    onTestFinished(() => client.end());
    const db = drizzleOnPostgresJs(client) as unknown as ReturnType<typeof drizzleOnPg>;
    return { db, drizzle: oldest, pgCore: oldestPg, jobsView: view.jobsView };
  },
  "1.0-rc on pg": async (url: string) => {
    const pool = new pg.Pool({ connectionString: url });
    onTestFinished(() => pool.end());
    return {
      db: rcOnPg({ client: pool }) as unknown as ReturnType<typeof drizzleOnPg>,
      drizzle: newest as unknown as typeof oldest,
      pgCore: newestPg as unknown as typeof oldestPg,
      jobsView: (await besideRc()).jobsView,
    };
  },
};

test.each(Object.entries(drivers))(
  "Drizzle %s joins orders with their jobs, in a schema of any name, and its migrations leave the view alone",
  async (_, open) => {
    const url = inject("databaseUrl");
    const { name: schema, drop } = await scratchSchema(url, "drizzle view");
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    onTestFinished(async () => {
      await drop();
      await client.end();
    });
    await migrate({ database: url, schema });
    await client.query(`create table "${schema}".orders (id text primary key, job_id bigint)`);
    await client.query(
      `insert into "${schema}".orders select 'o-1', id from "${schema}".enqueue('invoice.send', '{"orderId":1}')`,
    );

    const { db, drizzle, pgCore, jobsView } = await open(url);
    const orders = pgCore.pgSchema(schema).table("orders", {
      id: pgCore.text("id").primaryKey(),
      jobId: pgCore.bigint("job_id", { mode: "bigint" }),
    });
    const jobs = jobsView(schema);
    const [row] = await db
      .select({
        order: orders.id,
        state: jobs.state,
        error: jobs.error,
        runAt: jobs.runAt,
        payload: jobs.payload,
      })
      .from(orders)
      .innerJoin(jobs, drizzle.eq(jobs.id, orders.jobId))
      .where(drizzle.eq(jobs.state, "ready"));
    expect(row).toEqual({
      order: "o-1",
      state: "ready",
      error: null,
      runAt: expect.any(Date),
      payload: { orderId: 1 },
    });
    type State = "scheduled" | "ready" | "running" | "completed" | "dead" | "cancelled";
    expectTypeOf(row!).toEqualTypeOf<{
      order: string;
      state: State;
      error: string | null;
      runAt: Date;
      payload: unknown;
    }>();
    const [job] = await db.select().from(jobs).where(drizzle.eq(jobs.id, "1"));
    expect(job).toMatchObject({
      id: "1",
      name: "invoice.send",
      uniqueKey: null,
      maxAttempts: null,
      finishedAt: null,
    });
    // What drizzle-kit asks before it creates, changes or drops one.
    expect(pgCore.getViewConfig(jobs)).toMatchObject({ schema, name: "jobs", isExisting: true });
  },
);
