import { configure } from "@pillion/kysely";
import { type ControlledTransaction, Kysely, PostgresDialect, sql } from "kysely";
import type { Order, Place, Shop } from "../shop.ts";
import { openPool } from "./pool.ts";

interface Tables {
  orders: Order;
}

type Tx = ControlledTransaction<Tables, string[]>;

export async function openKysely(place: Place): Promise<Shop<Tx>> {
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: openPool(place) }) });
  const verbs = configure({ schema: place.queue });
  return {
    // Kysely's callback transactions have no savepoints; its controlled transactions do.
    async transaction(work) {
      const trx = await db.startTransaction().execute();
      try {
        await work(trx as unknown as Tx);
        await trx.commit().execute();
      } catch (error) {
        if (!trx.isCommitted && !trx.isRolledBack)
          await trx
            .rollback()
            .execute()
            .catch(() => {});
        throw error;
      }
    },
    async savepoint(trx, work) {
      const inner = await trx.savepoint("extra").execute();
      try {
        await work(inner as unknown as Tx);
        await inner.releaseSavepoint("extra").execute();
      } catch (error) {
        await inner.rollbackToSavepoint("extra").execute();
        throw error;
      }
    },
    rollbackByHand: (trx) => sql`rollback`.execute(trx),
    insertOrder: (trx, order) => trx.insertInto("orders").values(order).execute(),
    enqueue: verbs.enqueue,
    transactional: (jobType, run) =>
      verbs.transactional(db, jobType, (trx, job) => run(trx as unknown as Tx, job)),
    async backendPid(trx) {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx);
      return rows[0]!.pid;
    },
    close: () => db.destroy(),
  };
}
