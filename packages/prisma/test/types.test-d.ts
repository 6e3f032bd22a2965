import { defineJob, type Enqueued } from "@pillion/core";
import {
  ambient,
  configure,
  database,
  enqueue,
  enqueueMany,
  enqueueQuery,
  enqueueStandalone,
  type PrismaTransaction,
  type TransactionOf,
} from "@pillion/prisma";
import type pg from "pg";
import { expectTypeOf, test } from "vitest";
import { z } from "zod";
import type * as six from "./prisma-6/index.ts";
import type { Prisma, PrismaClient } from "./prisma-7/index.ts";

const sendInvoice = defineJob({ name: "invoice.send", payload: z.object({ orderId: z.number() }) });
const job = sendInvoice({ orderId: 1 });

declare const prisma: PrismaClient;
declare const prisma6: six.PrismaClient;
declare const pgClient: pg.PoolClient;
const extended = prisma.$extends({ model: { order: { latest: async () => 1 } } });
const extended6 = prisma6.$extends({ model: { order: { latest: async () => 1 } } });
const order = { data: { id: "1", total: 1 } };

test("TransactionOf takes the tx of its client's callback, knows the models, and refuses the client", () => {
  function service(tx: TransactionOf<typeof prisma>) {
    expectTypeOf(tx.order.findFirst()).resolves.toEqualTypeOf<{
      id: string;
      total: number;
      customer: string | null;
    } | null>();
    // @ts-expect-error: a transaction has no such member, so it is not any
    tx.nothing;
  }
  prisma.$transaction(async (tx) => service(tx));
  // @ts-expect-error: the client
  service(prisma);
  function service6(tx: TransactionOf<typeof prisma6>) {
    expectTypeOf(tx.order.findFirst()).resolves.not.toBeAny();
  }
  prisma6.$transaction(async (tx) => service6(tx));
  // @ts-expect-error: the client
  service6(prisma6);
});

test("TransactionOf an extended client knows what the extension has added, and refuses the extended client", () => {
  function service(tx: TransactionOf<typeof extended>) {
    expectTypeOf(tx.order.latest()).resolves.toBeNumber();
  }
  extended.$transaction(async (tx) => service(tx));
  // @ts-expect-error: the client
  service(extended);
});

test("the tx of both releases is accepted: extended, and nested too", () => {
  prisma.$transaction(async (tx) => {
    expectTypeOf(enqueue(tx, job)).resolves.toEqualTypeOf<Enqueued>();
    expectTypeOf(enqueueMany(tx, [job])).resolves.toEqualTypeOf<Enqueued[]>();
    await tx.$transaction((nested) => enqueue(nested, job));
  });
  prisma6.$transaction((tx) => enqueue(tx, job));
  extended.$transaction((tx) => enqueue(tx, job));
  extended6.$transaction((tx) => enqueue(tx, job));
});

test("an ambient tx is accepted; an ambient client, and a bare function, do not compile", () => {
  prisma.$transaction(async (tx) => {
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
    ambient((): typeof prisma | typeof tx => tx);
    // @ts-expect-error: a promise
    ambient(() => Promise.resolve(tx));
    // @ts-expect-error: a tx, not a function
    ambient(tx);
    // @ts-expect-error: a function that nobody has tagged
    enqueue(() => tx, job);
    // @ts-expect-error: it takes the client
    enqueueStandalone(ambientTx, job);
    // @ts-expect-error: the array form is a transaction by itself
    enqueueQuery(ambientTx, job);
  });
  prisma6.$transaction((tx) =>
    enqueue(
      ambient(() => tx),
      job,
    ),
  );
  extended.$transaction((tx) =>
    enqueue(
      ambient(() => tx),
      job,
    ),
  );
  // @ts-expect-error: each query of a client commits by itself
  ambient(() => prisma);
  // @ts-expect-error: of the other release
  ambient(() => prisma6);
  // @ts-expect-error: extended
  ambient(() => extended);
});

test("a client does not compile, extended or not", () => {
  // @ts-expect-error: each query of a client commits by itself
  enqueue(prisma, job);
  // @ts-expect-error: the same, for many
  enqueueMany(prisma, [job]);
  // @ts-expect-error: the same, bound to other settings
  configure({ schema: "jobs" }).enqueue(prisma, job);
  // @ts-expect-error: of Prisma 6
  enqueue(prisma6, job);
  // @ts-expect-error: extended
  enqueue(extended, job);
  // @ts-expect-error: extended, of Prisma 6
  enqueue(extended6, job);
});

test("a promise and a pg client do not compile", () => {
  prisma.$transaction(async (tx) => {
    // @ts-expect-error: a promise of a transaction
    enqueue(Promise.resolve(tx), job);
  });
  // @ts-expect-error: a client of pg
  enqueue(pgClient, job);
});

test("the array form takes enqueueQuery and knows its answer; a plain promise does not compile", () => {
  expectTypeOf(
    prisma.$transaction([enqueueQuery(prisma, job), prisma.order.create(order)]),
  ).resolves.toExtend<[[Enqueued], { id: string }]>();
  prisma6.$transaction([prisma6.order.create(order), enqueueQuery(prisma6, job)]);
  extended.$transaction([extended.order.create(order), enqueueQuery(extended, job)]);
  // @ts-expect-error: enqueueStandalone commits by itself
  prisma.$transaction([prisma.order.create(order), enqueueStandalone(prisma, job)]);
});

test("a wrong payload and a job type do not compile", () => {
  prisma.$transaction(async (tx) => {
    // @ts-expect-error: a text is no number
    enqueue(tx, sendInvoice({ orderId: "1" }));
    // @ts-expect-error: the type, not a job of it
    enqueue(tx, sendInvoice);
  });
});

test("a job by itself, the array form and a worker take the client and no transaction", () => {
  enqueueStandalone(prisma, job);
  enqueueStandalone(extended6, job);
  database(prisma6);
  database(extended);
  prisma.$transaction(async (tx) => {
    // @ts-expect-error: inside a transaction it is enqueue
    enqueueStandalone(tx, job);
    // @ts-expect-error: inside a transaction it is enqueue
    enqueueQuery(tx, job);
    // @ts-expect-error: a worker outlives every transaction
    database(tx);
  });
});

test("each signature of the page's table takes what the table says", () => {
  async function byPrismaName(tx: Prisma.TransactionClient) {
    await enqueue(tx, job);
  }
  async function byClient(tx: PrismaClient) {
    // @ts-expect-error: change it to TransactionOf
    await enqueue(tx, job);
  }
  async function byTransactionOf(tx: TransactionOf<typeof prisma>) {
    await enqueue(tx, job);
  }
  async function byExtended(tx: TransactionOf<typeof extended>) {
    await enqueue(tx, job);
  }
  async function byName(tx: PrismaTransaction) {
    await enqueue(tx, job);
  }
  // Prisma's own name takes the client too, and so hides the mistake from the compiler.
  byPrismaName(prisma);
  byClient(prisma);
  prisma.$transaction(async (tx) => {
    await byPrismaName(tx);
    await byTransactionOf(tx);
    await byName(tx);
  });
  extended.$transaction((tx) => byExtended(tx));
});
