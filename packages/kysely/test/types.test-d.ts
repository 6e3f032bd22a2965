import { defineJob, type Enqueued } from "@pillion/core";
import {
  ambient,
  configure,
  database,
  enqueue,
  enqueueMany,
  enqueueStandalone,
  type KyselyTransaction,
  type TransactionOf,
} from "@pillion/kysely";
import type { ControlledTransaction, Kysely, Transaction } from "kysely";
import type {
  ControlledTransaction as ControlledTransaction29,
  Kysely as Kysely29,
  Transaction as Transaction29,
} from "kysely-0.29";
import type pg from "pg";
import { expectTypeOf, test } from "vitest";
import { z } from "zod";

const sendInvoice = defineJob({ name: "invoice.send", payload: z.object({ orderId: z.number() }) });
const job = sendInvoice({ orderId: 1 });

interface Tables {
  orders: { id: number };
}
declare const db: Kysely<Tables>;
declare const db29: Kysely29<Tables>;
declare const controlled: ControlledTransaction<Tables, ["before"]>;
declare const controlled29: ControlledTransaction29<Tables, ["before"]>;
declare const pgClient: pg.PoolClient;

test("TransactionOf is the type that the instance gives its callback, with the application's tables", () => {
  expectTypeOf<TransactionOf<typeof db>>().toEqualTypeOf<Transaction<Tables>>();
  expectTypeOf<TransactionOf<typeof db29>>().toEqualTypeOf<Transaction29<Tables>>();
  db.transaction().execute(async (trx) => {
    expectTypeOf(trx).toEqualTypeOf<TransactionOf<typeof db>>();
    // @ts-expect-error: a transaction has no such member, so it is not any
    trx.nothing;
  });
});

test("a Transaction and a ControlledTransaction of both releases are accepted", () => {
  db.transaction().execute(async (trx) => {
    expectTypeOf(enqueue(trx, job)).resolves.toEqualTypeOf<Enqueued>();
    expectTypeOf(enqueueMany(trx, [job])).resolves.toEqualTypeOf<Enqueued[]>();
    await enqueue(trx.withSchema("shop"), job);
  });
  db29.transaction().execute((trx) => enqueue(trx, job));
  enqueue(controlled, job);
  enqueue(controlled29, job);
});

test("the Kysely instance does not compile, nor one of its connections", () => {
  // @ts-expect-error: each query of the instance commits by itself
  enqueue(db, job);
  // @ts-expect-error: the same, for many
  enqueueMany(db, [job]);
  // @ts-expect-error: the same, bound to other settings
  configure({ schema: "jobs" }).enqueue(db, job);
  // @ts-expect-error: of the other release
  enqueue(db29, job);
  db.connection().execute(async (connection) => {
    // @ts-expect-error: a connection is no transaction
    await enqueue(connection, job);
  });
});

test("an ambient transaction is accepted; an ambient instance, and a bare function, do not compile", () => {
  const ambientTx = ambient(() => controlled);
  db.transaction().execute(async (trx) => {
    expectTypeOf(enqueue(ambientTx, job)).resolves.toEqualTypeOf<Enqueued>();
    enqueue(
      ambient(() => undefined as typeof trx | undefined),
      job,
    );
    configure({ schema: "jobs" }).enqueue(
      ambient(() => trx),
      job,
    );
    // @ts-expect-error: a transaction, or what every call would commit by itself
    ambient((): typeof db | typeof trx => trx);
    // @ts-expect-error: a promise
    ambient(() => Promise.resolve(trx));
    // @ts-expect-error: a transaction, not a function
    ambient(trx);
    // @ts-expect-error: a function that nobody has tagged
    enqueue(() => trx, job);
  });
  enqueue(
    ambient(() => controlled),
    job,
  );
  enqueue(
    ambient(() => controlled29),
    job,
  );
  // @ts-expect-error: each query of the instance commits by itself
  ambient(() => db);
  // @ts-expect-error: of the other release
  ambient(() => db29);
  enqueueStandalone(db, job);
  // @ts-expect-error: it takes the instance
  enqueueStandalone(ambientTx, job);
});

test("a promise, a builder and a pg client do not compile", () => {
  // @ts-expect-error: a promise of a transaction
  enqueue(db.startTransaction().execute(), job);
  // @ts-expect-error: what opens one
  enqueue(db.transaction(), job);
  // @ts-expect-error: a client of pg
  enqueue(pgClient, job);
});

test("a wrong payload and a job type do not compile", () => {
  // @ts-expect-error: a text is no number
  enqueue(controlled, sendInvoice({ orderId: "1" }));
  // @ts-expect-error: the type, not a job of it
  enqueue(controlled, sendInvoice);
});

test("a job by itself, and a worker, take the instance and no transaction", () => {
  enqueueStandalone(db, job);
  enqueueStandalone(db29, job);
  database(db);
  database(db29);
  // @ts-expect-error: inside a transaction it is enqueue
  enqueueStandalone(controlled, job);
  // @ts-expect-error: a worker outlives every transaction
  database(controlled);
});

test("each signature of the page's table takes what the table says", () => {
  async function byInstance(tx: Kysely<Tables>) {
    // @ts-expect-error: change it to TransactionOf
    await enqueue(tx, job);
  }
  async function byTransaction(tx: Transaction<Tables>) {
    await enqueue(tx, job);
  }
  async function byTransactionOf(tx: TransactionOf<typeof db>) {
    await enqueue(tx, job);
  }
  async function byName(tx: KyselyTransaction) {
    await enqueue(tx, job);
  }
  db.transaction().execute(async (trx) => {
    await byInstance(trx);
    await byTransaction(trx);
    await byTransactionOf(trx);
    await byName(trx);
  });
});
