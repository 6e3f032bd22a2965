import type { TransactionalAdapterDrizzleOrm } from "@nestjs-cls/transactional-adapter-drizzle-orm";
import type { TransactionOf } from "@pillion/drizzle";
import { drizzle } from "drizzle-orm/node-postgres";
import { integer, pgTable, text } from "drizzle-orm/pg-core";
import pg from "pg";

export const orders = pgTable("orders", { id: text().primaryKey(), total: integer().notNull() });
export type Order = typeof orders.$inferInsert;

export const DATABASE = Symbol("database");
export const POOL = Symbol("pool");

export const openPool = () => new pg.Pool({ connectionString: process.env.DATABASE_URL });
export const openDatabase = (pool: pg.Pool) => drizzle({ client: pool });

type Database = ReturnType<typeof openDatabase>;
/** What the host answers is typed as the transaction. Where none is open it is the database, which Pillion refuses. */
export type DrizzleAdapter = TransactionalAdapterDrizzleOrm<TransactionOf<Database>>;
