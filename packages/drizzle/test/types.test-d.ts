import { defineJob, type Enqueued } from "@pillion/core";
import {
  ambient,
  configure,
  type DrizzleTransaction,
  database,
  enqueue,
  enqueueMany,
  enqueueStandalone,
  type TransactionOf,
} from "@pillion/drizzle";
import type { ExtractTablesWithRelations } from "drizzle-orm";
import type { MySql2Database } from "drizzle-orm/mysql2";
import type { NodePgDatabase, NodePgTransaction } from "drizzle-orm/node-postgres";
import { integer, pgTable } from "drizzle-orm/pg-core";
import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import type { NodePgDatabase as RcNodePgDatabase } from "drizzle-orm-rc/node-postgres";
import type { PostgresJsDatabase as RcPostgresJsDatabase } from "drizzle-orm-rc/postgres-js";
import type pg from "pg";
import { expectTypeOf, test } from "vitest";
import { z } from "zod";

const sendInvoice = defineJob({ name: "invoice.send", payload: z.object({ orderId: z.number() }) });
const job = sendInvoice({ orderId: 1 });
const schema = { orders: pgTable("orders", { id: integer().primaryKey() }) };

declare const db: NodePgDatabase<typeof schema>;
declare const onPostgres: PostgresJsDatabase<typeof schema>;
declare const rc: RcNodePgDatabase;
declare const rcOnPostgres: RcPostgresJsDatabase;
declare const mysql: MySql2Database;
declare const pgClient: pg.PoolClient;

test("TransactionOf is the type that the database gives its callback, with the application's tables", () => {
  db.transaction(async (tx) => {
    expectTypeOf(tx).toEqualTypeOf<TransactionOf<typeof db>>();
    expectTypeOf(await tx.query.orders.findFirst()).toEqualTypeOf<{ id: number } | undefined>();
    // @ts-expect-error: a transaction has no such member, so it is not any
    tx.nothing;
  });
  rc.transaction(async (tx) => expectTypeOf(tx).toEqualTypeOf<TransactionOf<typeof rc>>());
});

test("the tx of both releases and both drivers is accepted, nested too", () => {
  db.transaction(async (tx) => {
    expectTypeOf(enqueue(tx, job)).resolves.toEqualTypeOf<Enqueued>();
    expectTypeOf(enqueueMany(tx, [job])).resolves.toEqualTypeOf<Enqueued[]>();
    await tx.transaction((nested) => enqueue(nested, job));
  });
  onPostgres.transaction((tx) => enqueue(tx, job));
  rc.transaction((tx) => tx.transaction((nested) => enqueue(nested, job)));
  rcOnPostgres.transaction((tx) => enqueue(tx, job));
});

test("a database does not compile", () => {
  // @ts-expect-error: each query of a database commits by itself
  enqueue(db, job);
  // @ts-expect-error: the same, for many
  enqueueMany(db, [job]);
  // @ts-expect-error: the same, bound to other settings
  configure({ schema: "jobs" }).enqueue(db, job);
  // @ts-expect-error: with postgres.js
  enqueue(onPostgres, job);
  // @ts-expect-error: of the next release
  enqueue(rc, job);
  // @ts-expect-error: of the next release, with postgres.js
  enqueue(rcOnPostgres, job);
});

test("an ambient tx is accepted; an ambient database, and a bare function, do not compile", () => {
  db.transaction(async (tx) => {
    const ambientTx = ambient(() => tx);
    expectTypeOf(enqueue(ambientTx, job)).resolves.toEqualTypeOf<Enqueued>();
    enqueue(
      ambient(() => undefined as typeof tx | undefined),
      job,
    );
    configure({ schema: "jobs" }).enqueue(
      ambient(() => tx),
      job,
    );
    // @ts-expect-error: a tx, or what every call would commit by itself
    ambient((): typeof db | typeof tx => tx);
    // @ts-expect-error: a promise
    ambient(() => Promise.resolve(tx));
    // @ts-expect-error: a tx, not a function
    ambient(tx);
    // @ts-expect-error: a function that nobody has tagged
    enqueue(() => tx, job);
    // @ts-expect-error: it takes the database
    enqueueStandalone(ambientTx, job);
  });
  rc.transaction((tx) =>
    enqueue(
      ambient(() => tx),
      job,
    ),
  );
  // @ts-expect-error: each query of a database commits by itself
  ambient(() => db);
  // @ts-expect-error: of the next release
  ambient(() => rc);
});

test("a promise, a transaction of MySQL and a pg client do not compile", () => {
  db.transaction(async (tx) => {
    // @ts-expect-error: a promise of a transaction
    enqueue(Promise.resolve(tx), job);
  });
  mysql.transaction(async (tx) => {
    // @ts-expect-error: the jobs are in Postgres
    enqueue(tx, job);
  });
  // @ts-expect-error: a client of pg
  enqueue(pgClient, job);
});

test("a wrong payload and a job type do not compile", () => {
  db.transaction(async (tx) => {
    // @ts-expect-error: a text is no number
    enqueue(tx, sendInvoice({ orderId: "1" }));
    // @ts-expect-error: the type, not a job of it
    enqueue(tx, sendInvoice);
  });
});

test("a job by itself, and a worker, take the database and no transaction", () => {
  enqueueStandalone(db, job);
  enqueueStandalone(rcOnPostgres, job);
  database(onPostgres);
  database(rc);
  db.transaction(async (tx) => {
    // @ts-expect-error: inside a transaction it is enqueue
    enqueueStandalone(tx, job);
    // @ts-expect-error: a worker outlives every transaction
    database(tx);
  });
});

test("each signature of the page's table takes what the table says", () => {
  async function byDatabase(tx: NodePgDatabase<typeof schema>) {
    // @ts-expect-error: change it to TransactionOf
    await enqueue(tx, job);
  }
  async function byTypeofDb(tx: typeof db) {
    // @ts-expect-error: change it to TransactionOf
    await enqueue(tx, job);
  }
  async function byTransactionOf(tx: TransactionOf<typeof db>) {
    await enqueue(tx, job);
  }
  async function byClass(tx: NodePgTransaction<typeof schema, ExtractTablesWithRelations<typeof schema>>) {
    await enqueue(tx, job);
  }
  async function byName(tx: DrizzleTransaction) {
    await enqueue(tx, job);
  }
  db.transaction(async (tx) => {
    await byDatabase(tx);
    await byTransactionOf(tx);
    await byClass(tx);
    await byName(tx);
  });
  byTypeofDb(db);
});
