import { jobsView } from "@pillion/drizzle/view";
import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { bigint, integer, pgTable } from "drizzle-orm/pg-core";

// What docs/jobs-view.md shows of Drizzle.

const orders = pgTable("orders", { id: integer().primaryKey(), jobId: bigint({ mode: "bigint" }) });
const db = drizzle(process.env.DATABASE_URL!);

const jobs = jobsView(); // jobsView("my_schema") where Pillion lives in another schema

export const stuck = await db
  .select({ order: orders.id, state: jobs.state, error: jobs.error })
  .from(orders)
  .innerJoin(jobs, eq(jobs.id, orders.jobId))
  .where(eq(jobs.state, "dead"));
