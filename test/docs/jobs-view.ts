import type { PillionDatabase } from "@pillion/kysely";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";

// What docs/jobs-view.md shows of Kysely.

interface Tables {
  orders: { id: number; job_id: string };
}
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });

const db = new Kysely<Tables & PillionDatabase>({ dialect: new PostgresDialect({ pool }) });

export const stuck = await db
  .selectFrom("orders")
  .innerJoin("pillion.jobs as jobs", "jobs.id", "orders.job_id")
  .where("jobs.state", "=", "dead")
  .select(["orders.id as order", "jobs.state", "jobs.error"])
  .execute();
