import { createRequire } from "node:module";
import { type Harness, versionOf, type WrongHandle } from "@pillion/conformance";
import type pg from "pg";
import * as adapter from "../src/index.ts";
import * as testing from "../src/testing.ts";

type Tx = adapter.PgTransaction;
type Client = adapter.PgClient;

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

function harness(packageName: string, parts: Pick<Harness<Tx, Client>, "traits" | "wrongHandles">) {
  const { Pool } = createRequire(import.meta.url)(packageName) as typeof pg;
  return {
    orm: "pg",
    version: versionOf(packageName, import.meta.url),
    driver: "pg",
    module: import.meta.url,
    adapter,
    testing,
    async connect({ url, poolSize }) {
      const pool = new Pool({ connectionString: url, max: poolSize });
      pool.on("error", () => {});
      pool.on("connect", (client) => client.on("error", () => {}));
      return {
        client: pool,
        transaction: (fn, options) => transaction(pool, fn, options?.isolationLevel),
        close: () => pool.end(),
      };
    },
    insertOrder: (tx, { id, total, customer }) =>
      tx.query("insert into orders (id, total, customer) values ($1, $2, $3)", [id, total, customer]),
    execute: async (tx, statement) => (await tx.query(statement)).rows,
    savepoint,
    rollback: (tx) => tx.query("rollback"),
    ...parts,
  } satisfies Harness<Tx, Client>;
}

async function transaction<T>(
  pool: pg.Pool,
  fn: (tx: Tx) => Promise<T>,
  level: string | undefined,
): Promise<T> {
  const client = await pool.connect();
  let lost = false;
  try {
    await client.query(level ? `begin isolation level ${level}` : "begin");
    const result = await fn(client);
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch(() => {
      lost = true;
    });
    throw error;
  } finally {
    client.release(lost);
  }
}

async function savepoint<T>(tx: Tx, fn: (tx: Tx) => Promise<T>): Promise<T> {
  await tx.query("savepoint inner_one");
  try {
    const result = await fn(tx);
    await tx.query("release savepoint inner_one");
    return result;
  } catch (error) {
    await tx.query("rollback to savepoint inner_one");
    throw error;
  }
}

const traits = {
  finishedHandle: "adapter",
  handleLives: "connection",
  ownTimeout: false,
  swallowedError: "resolves",
  lostConnection: "rejects",
  ownConnection: true,
} as const;

export const harnesses: Harness<Tx, Client>[] = [
  // Below 8.21 a client does not tell whether a transaction is open: the guard in the database stands alone.
  harness("pg-8.11", {
    traits: { ...traits, finishedHandle: "database" },
    wrongHandles: wrongHandles.slice(0, 1),
  }),
  harness("pg", { traits, wrongHandles }),
];
