import { type Connection, type Harness, versionOf, type WrongHandle } from "@pillion/conformance";
import pg from "pg";
import * as adapter from "../src/index.ts";

type Tx = adapter.PgTransaction;
type Client = adapter.PgClient;

async function connect({
  url,
  poolSize,
}: {
  url: string;
  poolSize: number;
}): Promise<Connection<Tx, Client>> {
  const pool = new pg.Pool({ connectionString: url, max: poolSize });
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  return {
    client: pool,
    async transaction(fn, { isolationLevel } = {}) {
      const client = await pool.connect();
      let broken = false;
      try {
        await client.query(isolationLevel ? `begin isolation level ${isolationLevel}` : "begin");
        const result = await fn(client);
        await client.query("commit");
        return result;
      } catch (error) {
        await client.query("rollback").catch(() => {
          broken = true;
        });
        throw error;
      } finally {
        client.release(broken);
      }
    },
    close: () => pool.end(),
  };
}

const wrongHandles: WrongHandle<Tx, Client>[] = [
  { name: "a pool", says: "a pg Pool", make: ({ client }) => client },
  {
    name: "a client with no transaction open",
    says: "a pg Client with no transaction open",
    async make({ client }, after) {
      const idle = await (client as pg.Pool).connect();
      after(() => idle.release());
      return idle;
    },
  },
];

export const harnesses: Harness<Tx, Client>[] = [
  {
    orm: "pg",
    version: versionOf("pg", import.meta.url),
    driver: "pg",
    module: import.meta.url,
    adapter,
    traits: {
      finishedHandle: "adapter",
      handleLives: "connection",
      ownTimeout: false,
      swallowedError: "resolves",
    },
    connect,
    insertOrder: (tx, { id, total, customer }) =>
      tx.query("insert into orders (id, total, customer) values ($1, $2, $3)", [id, total, customer]),
    execute: async (tx, statement) => (await tx.query(statement)).rows,
    async savepoint(tx, fn) {
      await tx.query("savepoint inner_one");
      try {
        const result = await fn(tx);
        await tx.query("release savepoint inner_one");
        return result;
      } catch (error) {
        await tx.query("rollback to savepoint inner_one");
        throw error;
      }
    },
    rollback: (tx) => tx.query("rollback"),
    wrongHandles,
  },
];
