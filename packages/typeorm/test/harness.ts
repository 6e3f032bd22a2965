import { randomUUID } from "node:crypto";
import { type Harness, versionOf, type WrongHandle } from "@pillion/conformance";
import * as current from "typeorm";
import * as currentTransactional from "typeorm-transactional";
import * as adapter from "../src/index.ts";
import * as testing from "../src/testing.ts";
import * as old from "./typeorm-0.3/index.ts";

type Tx = adapter.TypeOrmTransaction;
type Client = current.DataSource;
type TypeOrmHarness = Harness<Tx, Client>;
type Level = "READ COMMITTED" | "REPEATABLE READ" | "SERIALIZABLE" | undefined;

// Both releases in the types of the current one: what is used of them here is the same in both.
const currentRelease = { ...current, transactional: currentTransactional };
const oldRelease = old as unknown as typeof currentRelease;
const oldModule = new URL("./typeorm-0.3/index.ts", import.meta.url).href;

const managerOf = (tx: Tx) => ("manager" in tx ? tx.manager : tx) as current.EntityManager;

const inCallback = (client: Client, fn: (tx: Tx) => Promise<unknown>, level: Level) =>
  level ? client.transaction(level, fn) : client.transaction(fn);

async function onRunner(client: Client, fn: (tx: Tx) => Promise<unknown>, level: Level) {
  const runner = client.createQueryRunner();
  try {
    await runner.startTransaction(level);
    const result = await fn(runner);
    await runner.commitTransaction();
    return result;
  } catch (error) {
    if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => {});
    throw error;
  } finally {
    await runner.release();
  }
}

const wrongHandles: WrongHandle<Tx, Client>[] = [
  {
    name: "the DataSource",
    says: "a TypeORM DataSource, which is not a transaction",
    make: ({ client }) => client,
  },
  {
    name: "the DataSource's own manager",
    says: "a TypeORM EntityManager that is in no transaction",
    make: ({ client }) => client.manager,
  },
  {
    name: "a QueryRunner that has started no transaction",
    says: "a TypeORM QueryRunner that is in no transaction",
    make({ client }, after) {
      const runner = client.createQueryRunner();
      after(() => runner.release());
      return runner;
    },
  },
  {
    name: "a repository",
    says: "a TypeORM Repository, which is not a transaction",
    make: ({ client }) => client.getRepository("orders"),
  },
];

function harness(release: typeof currentRelease, version: string, form: string): TypeOrmHarness {
  const { DataSource, EntitySchema, transactional } = release;
  const orders = new EntitySchema<{ id: string; total: number; customer: string | null }>({
    name: "orders",
    columns: {
      id: { type: "text", primary: true },
      total: { type: "integer" },
      customer: { type: "text", nullable: true },
    },
  });
  return {
    orm: "typeorm",
    version,
    driver: "pg",
    form,
    module: import.meta.url,
    adapter,
    testing,
    traits: {
      finishedHandle: "adapter",
      handleLives: "connection",
      ownTimeout: false,
      swallowedError: "resolves",
      lostConnection: "rejects",
      ownConnection: true,
    },
    async connect({ url, poolSize }) {
      const client = new DataSource({
        type: "postgres",
        url,
        entities: [orders],
        extra: { max: poolSize },
        poolErrorHandler: () => {},
      });
      await client.initialize();
      const name = randomUUID();
      if (form === "typeorm-transactional") {
        transactional.initializeTransactionalContext({ storageDriver: transactional.StorageDriver.AUTO });
        transactional.addTransactionalDataSource({ name, dataSource: client });
      }
      // What the application then passes is the data source's manager: inside, it is the transaction's.
      const inContext = (_: Client, fn: (tx: Tx) => Promise<unknown>, isolationLevel: Level) =>
        transactional.runInTransaction(() => fn(client.manager), {
          connectionName: name,
          ...(isolationLevel && { isolationLevel: isolationLevel as currentTransactional.IsolationLevel }),
        });
      const run = form === "QueryRunner" ? onRunner : form === "EntityManager" ? inCallback : inContext;
      return {
        client,
        transaction: <T>(fn: (tx: Tx) => Promise<T>, options?: { isolationLevel?: string | undefined }) =>
          run(client, fn, options?.isolationLevel?.toUpperCase() as Level) as Promise<T>,
        async close() {
          await client.destroy();
          transactional.deleteDataSourceByName(name);
        },
      };
    },
    insertOrder: (tx, order) => managerOf(tx).insert(orders, order),
    execute: (tx, statement) => tx.query(statement),
    savepoint: (tx, fn) => managerOf(tx).transaction(() => fn(tx)),
    ...(form === "QueryRunner" && { rollback: (tx) => (tx as current.QueryRunner).rollbackTransaction() }),
    wrongHandles,
  };
}

const forms = ["EntityManager", "QueryRunner", "typeorm-transactional"];

export const harnesses: TypeOrmHarness[] = [
  ...forms.map((form) => harness(oldRelease, versionOf("typeorm", oldModule), form)),
  ...forms.map((form) => harness(currentRelease, versionOf("typeorm", import.meta.url), form)),
];
