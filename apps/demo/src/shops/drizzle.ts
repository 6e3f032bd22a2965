import { configure, type TransactionOf } from "@pillion/drizzle";
import { sql } from "drizzle-orm";
import { drizzle as connect, type NodePgDatabase } from "drizzle-orm/node-postgres";
import { integer, pgTable, text } from "drizzle-orm/pg-core";
import type { Shop, ShopKind } from "../shop.ts";
import { openPool } from "./pool.ts";

const orders = pgTable("orders", {
  id: integer().primaryKey(),
  shop: text().notNull(),
  customer: integer().notNull(),
  total: integer().notNull(),
});

type Tx = TransactionOf<NodePgDatabase>;

export const drizzle: ShopKind = {
  name: "Drizzle",
  async open({ url, queue }): Promise<Shop<Tx>> {
    const pool = openPool(url);
    const db = connect({ client: pool });
    return {
      transaction: (work) => db.transaction(work),
      savepoint: (tx, work) => tx.transaction(work),
      rollbackByHand: (tx) => tx.execute(sql`rollback`),
      insertOrder: (tx, order) => tx.insert(orders).values(order),
      enqueue: configure({ schema: queue }).enqueue,
      async backendPid(tx) {
        const { rows } = await tx.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`);
        return rows[0]!.pid;
      },
      close: () => pool.end(),
    };
  },
};
