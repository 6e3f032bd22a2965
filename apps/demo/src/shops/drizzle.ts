import { configure, type TransactionOf } from "@pillion/drizzle";
import { sql } from "drizzle-orm";
import { drizzle, type NodePgDatabase } from "drizzle-orm/node-postgres";
import { integer, pgTable, text } from "drizzle-orm/pg-core";
import type { Place, Shop } from "../shop.ts";
import { openPool } from "./pool.ts";

const orders = pgTable("orders", {
  id: integer().primaryKey(),
  shop: text().notNull(),
  customer: integer().notNull(),
  total: integer().notNull(),
});

type Tx = TransactionOf<NodePgDatabase>;

export async function openDrizzle(place: Place): Promise<Shop<Tx>> {
  const pool = openPool(place);
  const verbs = configure({ schema: place.queue });
  const db = drizzle({ client: pool });
  return {
    transaction: (work) => db.transaction(work),
    savepoint: (tx, work) => tx.transaction(work),
    rollbackByHand: (tx) => tx.execute(sql`rollback`),
    insertOrder: (tx, order) => tx.insert(orders).values(order),
    enqueue: verbs.enqueue,
    transactional: (jobType, run) => verbs.transactional(db, jobType, run),
    async backendPid(tx) {
      const { rows } = await tx.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`);
      return rows[0]!.pid;
    },
    close: () => pool.end(),
  };
}
