import { configure, type PgTransaction } from "@pillion/pg";
import type { Place, Shop } from "../shop.ts";
import { openPool } from "./pool.ts";

export async function openPg(place: Place): Promise<Shop<PgTransaction>> {
  const pool = openPool(place);
  const verbs = configure({ schema: place.queue });
  return {
    async transaction(work) {
      const client = await pool.connect();
      let broken = false;
      try {
        await client.query("begin");
        await work(client);
        await client.query("commit");
      } catch (error) {
        await client.query("rollback").catch(() => {
          broken = true;
        });
        throw error;
      } finally {
        client.release(broken);
      }
    },
    async savepoint(client, work) {
      await client.query("savepoint extra");
      try {
        await work(client);
        await client.query("release savepoint extra");
      } catch (error) {
        await client.query("rollback to savepoint extra");
        throw error;
      }
    },
    async rollbackByHand(client) {
      // Not awaited, as careless code does it: pg says that the transaction is open until the answer has come.
      void client.query("rollback");
    },
    insertOrder: (client, { id, shop, customer, total }) =>
      client.query("insert into orders (id, shop, customer, total) values ($1, $2, $3, $4)", [
        id,
        shop,
        customer,
        total,
      ]),
    enqueue: verbs.enqueue,
    transactional: (jobType, run) => verbs.transactional(pool, jobType, run),
    backendPid: async (client) => (await client.query("select pg_backend_pid() as pid")).rows[0].pid,
    close: () => pool.end(),
  };
}
