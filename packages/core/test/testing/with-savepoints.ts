import { type Adapter, defineAdapter } from "@pillion/core/adapter";
import type pg from "pg";

/** A small adapter over pg, whose transactions have savepoints. */
export const withSavepoints = (name: string, schema: string): Adapter<pg.ClientBase, pg.Pool> =>
  defineAdapter<pg.ClientBase, pg.Pool>({
    name,
    expects: "a client on which BEGIN has succeeded",
    handleLives: "connection",
    inTransaction: (client) => "escapeIdentifier" in client,
    isClient: (handle) => "totalCount" in handle,
    run: async (handle, { text, values }) => (await handle.query(text, [...values])).rows,
    async transaction(pool, _options, fn) {
      const client = await pool.connect();
      try {
        await client.query("begin");
        const result = await fn(client);
        await client.query("commit");
        return result;
      } finally {
        client.release(true);
      }
    },
    async savepoint(client, fn) {
      await client.query("savepoint s");
      try {
        return await fn(client);
      } catch (error) {
        await client.query("rollback to savepoint s");
        throw error;
      } finally {
        await client.query("release savepoint s");
      }
    },
  }).configure({ schema });
