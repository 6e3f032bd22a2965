import { type ConnectOptions, type Harness, versionOf, type WrongHandle } from "@pillion/conformance";
import { sql } from "drizzle-orm";
import { drizzle as drizzleOnPg } from "drizzle-orm/node-postgres";
import { integer, pgTable, text } from "drizzle-orm/pg-core";
import { drizzle as drizzleOnPostgres } from "drizzle-orm/postgres-js";
import { sql as rcSql } from "drizzle-orm-rc";
import { drizzle as rcOnPg } from "drizzle-orm-rc/node-postgres";
import * as rc from "drizzle-orm-rc/pg-core";
import { drizzle as rcOnPostgres } from "drizzle-orm-rc/postgres-js";
import pg from "pg";
import postgres from "postgres";
import * as adapter from "../src/index.ts";
import * as testing from "../src/testing.ts";

type Tx = adapter.TransactionOf<ReturnType<typeof drizzleOnPg>>;
type RcTx = adapter.TransactionOf<ReturnType<typeof rcOnPg>>;

const orders = pgTable("orders", { id: text().primaryKey(), total: integer().notNull(), customer: text() });
const rcOrders = rc.pgTable("orders", {
  id: rc.text().primaryKey(),
  total: rc.integer().notNull(),
  customer: rc.text(),
});

function pgPool({ url, poolSize }: ConnectOptions) {
  const pool = new pg.Pool({ connectionString: url, max: poolSize });
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  return pool;
}

const wrongHandles: WrongHandle<adapter.DrizzleTransaction, adapter.DrizzleDatabase>[] = [
  {
    name: "the database",
    says: "a Drizzle database, which is not a transaction",
    make: ({ client }) => client,
  },
];

function harness(
  packageName: string,
  driver: string,
  traits: Partial<Harness["traits"]>,
  open: (options: ConnectOptions) => { db: adapter.DrizzleDatabase; close(): Promise<unknown> },
): Harness<adapter.DrizzleTransaction, adapter.DrizzleDatabase> {
  return {
    orm: "drizzle-orm",
    version: versionOf(packageName, import.meta.url),
    driver,
    module: import.meta.url,
    adapter,
    testing,
    traits: {
      finishedHandle: "database",
      handleLives: "transaction",
      ownTimeout: false,
      swallowedError: "resolves",
      lostConnection: "rejects",
      ownConnection: true,
      ...traits,
    },
    async connect(options) {
      const { db, close } = open(options);
      return {
        client: db,
        transaction: (fn, { isolationLevel } = {}) =>
          db.transaction(fn, isolationLevel ? { isolationLevel } : undefined),
        close: async () => void (await close()),
      };
    },
    insertOrder: async (tx, order) =>
      packageName === "drizzle-orm"
        ? (tx as Tx).insert(orders).values(order)
        : (tx as RcTx).insert(rcOrders).values(order),
    async execute(tx, statement) {
      const answer = await tx.execute((packageName === "drizzle-orm" ? sql : rcSql).raw(statement));
      return Array.isArray(answer) ? answer : (answer as pg.QueryResult).rows;
    },
    savepoint: (tx, fn) => (tx as Tx).transaction(fn),
    rollback: async (tx) => tx.rollback(),
    wrongHandles,
  };
}

// postgres.js 3.4 writes ROLLBACK to the socket that it has lost: porsager/postgres.
const onPostgres = { swallowedError: "rejects", lostConnection: "ends the process" } as const;
const ended = (client: postgres.Sql) => ({ close: () => client.end() });

export const harnesses = [
  harness("drizzle-orm", "pg", {}, (options) => {
    const client = pgPool(options);
    return { db: drizzleOnPg(client), close: () => client.end() };
  }),
  harness("drizzle-orm", "postgres", onPostgres, ({ url, poolSize }) => {
    const client = postgres(url, { max: poolSize, onnotice: () => {} });
    return { db: drizzleOnPostgres(client), ...ended(client) };
  }),
  harness("drizzle-orm-rc", "pg", {}, (options) => {
    const client = pgPool(options);
    return { db: rcOnPg({ client }), close: () => client.end() };
  }),
  harness("drizzle-orm-rc", "postgres", onPostgres, ({ url, poolSize }) => {
    const client = postgres(url, { max: poolSize, onnotice: () => {} });
    return { db: rcOnPostgres({ client }), ...ended(client) };
  }),
];
