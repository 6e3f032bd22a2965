import type { JobState } from "@pillion/core";
import { migrate } from "@pillion/core/migrate";
import { scratchSchema } from "@pillion/dev-postgres";
import * as oldest from "kysely";
import * as newest from "kysely-0.29";
import pg from "pg";
import { expect, expectTypeOf, inject, onTestFinished, test } from "vitest";
import type { PillionDatabase } from "../src/index.ts";

interface Shop {
  orders: { id: string; job_id: string };
}

test.each([
  ["0.28", oldest],
  ["0.29", newest as unknown as typeof oldest],
])(
  "Kysely %s joins orders with their jobs, in a schema of any name",
  async (_, { Kysely, PostgresDialect }) => {
    const url = inject("databaseUrl");
    const scratch = await scratchSchema(url, "kysely-view");
    const schema = scratch.name as "shop-jobs";
    const pool = new pg.Pool({ connectionString: scratch.url });
    onTestFinished(async () => {
      await pool.end();
      await scratch.drop();
    });
    await migrate({ database: pool, schema });
    await pool.query("create table orders (id text primary key, job_id bigint)");
    await pool.query(
      `insert into orders select 'o-1', id from "${schema}".enqueue('invoice.send', '{"orderId":1}')`,
    );

    const db = new Kysely<Shop & PillionDatabase<"shop-jobs">>({ dialect: new PostgresDialect({ pool }) });
    const [row] = await db
      .selectFrom("orders")
      .innerJoin(`${schema}.jobs as j`, "j.id", "orders.job_id")
      .where("j.state", "=", "ready")
      .select(["orders.id as order", "j.id", "j.state", "j.error", "j.finished_at", "j.run_at", "j.payload"])
      .execute();
    expect(row).toEqual({
      order: "o-1",
      id: "1",
      state: "ready",
      error: null,
      finished_at: null,
      run_at: expect.any(Date),
      payload: { orderId: 1 },
    });
    expectTypeOf(row!).toEqualTypeOf<{
      order: string;
      id: string;
      state: JobState;
      error: string | null;
      finished_at: Date | null;
      run_at: Date;
      payload: unknown;
    }>();
    // @ts-expect-error: there is no such state
    db.selectFrom(`${schema}.jobs`).where("state", "=", "failed");
  },
);
