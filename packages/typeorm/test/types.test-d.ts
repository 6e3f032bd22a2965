import { defineJob, type Enqueued } from "@pillion/core";
import {
  ambient,
  configure,
  database,
  enqueue,
  enqueueMany,
  enqueueStandalone,
  type TransactionOf,
  type TypeOrmTransaction,
} from "@pillion/typeorm";
import type pg from "pg";
import type { DataSource, EntityManager, QueryRunner, Repository } from "typeorm";
import { expectTypeOf, test } from "vitest";
import { z } from "zod";
import type { DataSource as OldDataSource } from "./typeorm-0.3/index.ts";

const sendInvoice = defineJob({ name: "invoice.send", payload: z.object({ orderId: z.number() }) });
const job = sendInvoice({ orderId: 1 });

declare const dataSource: DataSource;
declare const old: OldDataSource;
declare const runner: QueryRunner;
declare const repository: Repository<{ id: number }>;
declare const pgClient: pg.PoolClient;

test("TransactionOf is the EntityManager that the DataSource gives its callback", () => {
  expectTypeOf<TransactionOf<typeof dataSource>>().toEqualTypeOf<EntityManager>();
  dataSource.transaction(async (manager) => {
    expectTypeOf(manager).toEqualTypeOf<TransactionOf<typeof dataSource>>();
    // @ts-expect-error: a manager has no such member, so it is not any
    manager.nothing;
  });
  old.transaction(async (manager) => expectTypeOf(manager).toEqualTypeOf<TransactionOf<typeof old>>());
});

test("an EntityManager and a QueryRunner of both releases are accepted", () => {
  dataSource.transaction(async (manager) => {
    expectTypeOf(enqueue(manager, job)).resolves.toEqualTypeOf<Enqueued>();
    expectTypeOf(enqueueMany(manager, [job])).resolves.toEqualTypeOf<Enqueued[]>();
    await manager.transaction((nested) => enqueue(nested, job));
  });
  enqueue(runner, job);
  old.transaction((manager) => enqueue(manager, job));
  enqueue(old.createQueryRunner(), job);
});

test("a DataSource and a repository do not compile", () => {
  // @ts-expect-error: each query of a data source commits by itself
  enqueue(dataSource, job);
  // @ts-expect-error: the same, for many
  enqueueMany(dataSource, [job]);
  // @ts-expect-error: the same, bound to other settings
  configure({ schema: "jobs" }).enqueue(dataSource, job);
  // @ts-expect-error: of TypeORM 0.3
  enqueue(old, job);
  // @ts-expect-error: a repository is no transaction, even where its manager is in one
  enqueue(repository, job);
});

test("an ambient manager or runner is accepted; an ambient DataSource, and a bare function, do not compile", () => {
  const ambientTx = ambient(() => runner);
  expectTypeOf(enqueue(ambientTx, job)).resolves.toEqualTypeOf<Enqueued>();
  enqueue(
    ambient(() => old.manager),
    job,
  );
  enqueue(
    ambient(() => undefined as QueryRunner | undefined),
    job,
  );
  configure({ schema: "jobs" }).enqueue(
    ambient(() => runner),
    job,
  );
  // @ts-expect-error: each query of a data source commits by itself
  ambient(() => dataSource);
  // @ts-expect-error: of TypeORM 0.3
  ambient(() => old);
  // @ts-expect-error: a manager, or what every call would commit by itself
  ambient((): DataSource | EntityManager => dataSource.manager);
  // @ts-expect-error: a repository
  ambient(() => repository);
  // @ts-expect-error: a promise
  ambient(() => Promise.resolve(dataSource.manager));
  // @ts-expect-error: a manager, not a function
  ambient(dataSource.manager);
  // @ts-expect-error: a function that nobody has tagged
  enqueue(() => dataSource.manager, job);
  // @ts-expect-error: it takes the DataSource
  enqueueStandalone(ambientTx, job);
});

test("the DataSource's own manager has the type of a transaction's: only the adapter can refuse it", () => {
  enqueue(dataSource.manager, job);
});

test("a promise and a pg client do not compile", () => {
  // @ts-expect-error: a promise of a manager
  enqueue(Promise.resolve(dataSource.manager), job);
  // @ts-expect-error: a client of pg
  enqueue(pgClient, job);
});

test("a wrong payload and a job type do not compile", () => {
  // @ts-expect-error: a text is no number
  enqueue(runner, sendInvoice({ orderId: "1" }));
  // @ts-expect-error: the type, not a job of it
  enqueue(runner, sendInvoice);
});

test("a job by itself, and a worker, take the DataSource and no manager", () => {
  enqueueStandalone(dataSource, job);
  enqueueStandalone(old, job);
  database(dataSource);
  database(old);
  // @ts-expect-error: inside a transaction it is enqueue
  enqueueStandalone(dataSource.manager, job);
  // @ts-expect-error: a worker outlives every runner
  database(runner);
});

test("each signature of the page's table takes what the table says", () => {
  async function byDataSource(tx: DataSource) {
    // @ts-expect-error: change it to EntityManager
    await enqueue(tx, job);
  }
  async function byRepository(tx: Repository<{ id: number }>) {
    // @ts-expect-error: change it to EntityManager
    await enqueue(tx, job);
  }
  async function byManager(tx: EntityManager) {
    await enqueue(tx, job);
  }
  async function byRunner(tx: QueryRunner) {
    await enqueue(tx, job);
  }
  async function byTransactionOf(tx: TransactionOf<typeof dataSource>) {
    await enqueue(tx, job);
  }
  async function byName(tx: TypeOrmTransaction) {
    await enqueue(tx, job);
  }
  byDataSource(dataSource);
  byRepository(repository);
  byManager(dataSource.manager);
  byRunner(runner);
  byTransactionOf(dataSource.manager);
  byName(runner);
});
