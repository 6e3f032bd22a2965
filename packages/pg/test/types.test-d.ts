import { defineJob, type Enqueued } from "@pillion/core";
import {
  ambient,
  configure,
  database,
  enqueue,
  enqueueMany,
  enqueueStandalone,
  type PgTransaction,
  type TransactionOf,
} from "@pillion/pg";
import type pg from "pg";
import { expectTypeOf, test } from "vitest";
import { z } from "zod";

const sendInvoice = defineJob({ name: "invoice.send", payload: z.object({ orderId: z.number() }) });
const job = sendInvoice({ orderId: 1 });

declare const pool: pg.Pool;
declare const client: pg.Client;
declare const poolClient: pg.PoolClient;

test("TransactionOf is the type of a pool's clients", () => {
  expectTypeOf<TransactionOf<typeof pool>>().toEqualTypeOf<pg.ClientBase>();
  expectTypeOf<TransactionOf<typeof client>>().toEqualTypeOf<pg.ClientBase>();
  expectTypeOf(poolClient).toExtend<TransactionOf<typeof pool>>();
});

test("a Client and a PoolClient are accepted", () => {
  expectTypeOf(enqueue(client, job)).resolves.toEqualTypeOf<Enqueued>();
  expectTypeOf(enqueue(poolClient, job)).resolves.toEqualTypeOf<Enqueued>();
  expectTypeOf(enqueueMany(poolClient, [job])).resolves.toEqualTypeOf<Enqueued[]>();
});

test("a pool does not compile", () => {
  // @ts-expect-error: each query of a pool runs on any of its connections
  enqueue(pool, job);
  // @ts-expect-error: the same, for many
  enqueueMany(pool, [job]);
  // @ts-expect-error: the same, bound to other settings
  configure({ schema: "jobs" }).enqueue(pool, job);
});

test("an ambient client is accepted; an ambient pool, and a bare function, do not compile", () => {
  const ambientTx = ambient(() => poolClient);
  expectTypeOf(enqueue(ambientTx, job)).resolves.toEqualTypeOf<Enqueued>();
  enqueue(
    ambient(() => undefined as pg.PoolClient | undefined),
    job,
  );
  configure({ schema: "jobs" }).enqueue(
    ambient(() => client),
    job,
  );
  // @ts-expect-error: each query of a pool runs on any of its connections
  ambient(() => pool);
  // @ts-expect-error: a client, or what every call would commit by itself
  ambient((): pg.Pool | pg.PoolClient => poolClient);
  // @ts-expect-error: a promise
  ambient(() => pool.connect());
  // @ts-expect-error: a client, not a function
  ambient(poolClient);
  // @ts-expect-error: a function that nobody has tagged
  enqueue(() => poolClient, job);
  // @ts-expect-error: it takes the root client
  enqueueStandalone(ambientTx, job);
});

test("a promise of a client does not compile", async () => {
  enqueue(await pool.connect(), job);
  // @ts-expect-error: not awaited
  enqueue(pool.connect(), job);
});

test("a wrong payload, a job type and a missing job do not compile", () => {
  // @ts-expect-error: a text is no number
  enqueue(client, sendInvoice({ orderId: "1" }));
  // @ts-expect-error: the type, not a job of it
  enqueue(client, sendInvoice);
  // @ts-expect-error: no job
  enqueue(client);
});

test("a job by itself, and a worker, take the pool", () => {
  enqueueStandalone(pool, job);
  database(pool);
  // @ts-expect-error: a promise of a client
  enqueueStandalone(pool.connect(), job);
});

test("each signature of the page's table takes what the table says", () => {
  async function byPoolClient(tx: pg.PoolClient) {
    await enqueue(tx, job);
  }
  async function byPool(tx: pg.Pool) {
    // @ts-expect-error: change it to one of the others
    await enqueue(tx, job);
  }
  async function byEither(tx: pg.Pool | pg.PoolClient) {
    // @ts-expect-error: change it to one of the others
    await enqueue(tx, job);
  }
  async function byTransactionOf(tx: TransactionOf<typeof pool>) {
    await enqueue(tx, job);
  }
  async function byName(tx: PgTransaction) {
    await enqueue(tx, job);
  }
  byPoolClient(poolClient);
  byPool(pool);
  byEither(pool);
  byTransactionOf(poolClient);
  byName(client);
});
