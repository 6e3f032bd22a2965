import {
  type Connection,
  type Harness,
  type OpenOptions,
  versionOf,
  type WrongHandle,
} from "@pillion/conformance";
import * as k28 from "kysely";
import * as k29 from "kysely-0.29";
import pg from "pg";
import * as adapter from "../src/index.ts";
import * as testing from "../src/testing.ts";

interface Tables {
  orders: { id: string; total: number; customer: string | null };
}
type Db = k28.Kysely<Tables>;
type Tx = k28.Transaction<Tables>;
type Controlled = k28.ControlledTransaction<Tables, string[]>;
type KyselyHarness = Harness<Tx, Db>;

async function inCallback<T>(db: Db, fn: (tx: Tx) => Promise<T>, { isolationLevel }: OpenOptions = {}) {
  const builder = db.transaction();
  return (isolationLevel ? builder.setIsolationLevel(isolationLevel) : builder).execute(fn);
}

async function controlled<T>(db: Db, fn: (tx: Tx) => Promise<T>, { isolationLevel }: OpenOptions = {}) {
  const builder = db.startTransaction();
  const tx = await (isolationLevel ? builder.setIsolationLevel(isolationLevel) : builder).execute();
  try {
    const result = await fn(tx);
    await tx.commit().execute();
    return result;
  } catch (error) {
    if (!tx.isCommitted && !tx.isRolledBack)
      await tx
        .rollback()
        .execute()
        .catch(() => {});
    throw error;
  }
}

async function savepoint<T>(tx: Tx, fn: (tx: Tx) => Promise<T>): Promise<T> {
  const inner = await (tx as Controlled).savepoint("inner").execute();
  try {
    const result = await fn(inner);
    await inner.releaseSavepoint("inner").execute();
    return result;
  } catch (error) {
    await inner.rollbackToSavepoint("inner").execute();
    throw error;
  }
}

const root: WrongHandle<Tx, Db> = {
  name: "the Kysely instance",
  says: "a Kysely instance, which is not a transaction",
  make: ({ client }) => client,
};

function harness(packageName: "kysely" | "kysely-0.29", parts: Partial<KyselyHarness>): KyselyHarness {
  const { Kysely, PostgresDialect, CompiledQuery } = (packageName === "kysely" ? k28 : k29) as typeof k28;
  const run = parts.form === "ControlledTransaction" ? controlled : inCallback;
  return {
    orm: "kysely",
    version: versionOf(packageName, import.meta.url),
    driver: "pg",
    module: import.meta.url,
    adapter,
    testing,
    traits: {
      finishedHandle: parts.form === "ControlledTransaction" ? "adapter" : "orm",
      handleLives: "transaction",
      ownTimeout: false,
      swallowedError: packageName === "kysely" ? "resolves" : "rejects",
      lostConnection: "rejects",
      ownConnection: false,
    },
    async connect({ url, poolSize }): Promise<Connection<Tx, Db>> {
      const pool = new pg.Pool({ connectionString: url, max: poolSize });
      pool.on("error", () => {});
      pool.on("connect", (client) => client.on("error", () => {}));
      const client = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }) as Db;
      return {
        client,
        transaction: (fn, options) => run(client, fn, options),
        close: () => client.destroy(),
      };
    },
    insertOrder: (tx, order) => tx.insertInto("orders").values(order).execute(),
    execute: async (tx, statement) =>
      (await tx.executeQuery<Record<string, unknown>>(CompiledQuery.raw(statement))).rows,
    wrongHandles: [root],
    ...parts,
  };
}

const withSavepoints: Partial<KyselyHarness> = {
  form: "ControlledTransaction",
  savepoint,
  rollback: (tx) => (tx as Controlled).rollback().execute(),
};

export const harnesses: KyselyHarness[] = [
  harness("kysely", { form: "Transaction" }),
  harness("kysely", withSavepoints),
  harness("kysely-0.29", { form: "Transaction" }),
  harness("kysely-0.29", withSavepoints),
];
