import { defineJob, type } from "@pillion/core";
import { type ActiveJob, createWorker } from "@pillion/core/worker";
import * as drizzle from "@pillion/drizzle";
import * as kysely from "@pillion/kysely";
import * as pg from "@pillion/pg";
import * as prisma from "@pillion/prisma";
import * as typeorm from "@pillion/typeorm";
import { drizzle as open } from "drizzle-orm/node-postgres";
import { integer, pgTable } from "drizzle-orm/pg-core";
import type { Kysely, Transaction } from "kysely";
import type { ClientBase, Pool, PoolClient } from "pg";
import type { DataSource, EntityManager } from "typeorm";
import { expectTypeOf, test } from "vitest";
import type { PrismaClient } from "../packages/prisma/test/prisma-7/index.ts";

const job = defineJob({
  name: "invoice.send",
  payload: type<{ orderId: number }>(),
  result: type<{ pdf: string }>(),
});
const done = { pdf: "1.pdf" };

declare const pool: Pool;
declare const pgClient: PoolClient;
const db = open({ client: pool });
const orders = pgTable("orders", { id: integer().primaryKey() });
declare const drizzleTx: drizzle.TransactionOf<typeof db>;
declare const kyselyDb: Kysely<{ orders: { id: number } }>;
declare const kyselyTrx: Transaction<{ orders: { id: number } }>;
declare const prismaClient: PrismaClient;
declare const prismaTx: prisma.TransactionOf<PrismaClient>;
declare const dataSource: DataSource;
declare const manager: EntityManager;

test("pg: a handler gets a client of the pool, the payload, and must return the result", () => {
  pg.transactional(pool, job, async (tx, job) => {
    expectTypeOf(tx).toEqualTypeOf<ClientBase>();
    expectTypeOf(job).toEqualTypeOf<ActiveJob<{ orderId: number }>>();
    return done;
  });
  pg.handle(pool, job, async (job) => {
    const step = job.stepTx("reserve", async (tx) => {
      expectTypeOf(tx).toEqualTypeOf<ClientBase>();
      return { reserved: 1 };
    });
    expectTypeOf(step).resolves.toEqualTypeOf<{ reserved: number }>();
    return job.commit(async (tx) => {
      expectTypeOf(tx).toEqualTypeOf<ClientBase>();
      return done;
    });
  });
  pg.transactional(pool, job, () => done, { isolationLevel: "serializable" });
  // @ts-expect-error: a result that is not the type's
  pg.transactional(pool, job, () => ({ pdf: 1 }));
  // @ts-expect-error: no such level
  pg.transactional(pool, job, () => done, { isolationLevel: "strict" });
  // @ts-expect-error: one connection
  pg.transactional(pgClient, job, () => done);
});

test("drizzle: a handler gets the database's own transaction", () => {
  drizzle.transactional(db, job, async (tx, job) => {
    expectTypeOf(tx).toEqualTypeOf<drizzle.TransactionOf<typeof db>>();
    expectTypeOf(tx.select().from(orders)).resolves.toEqualTypeOf<{ id: number }[]>();
    return job.payload.orderId === 1 ? done : job.snooze({ delayMs: 1 });
  });
  drizzle.handle(db, job, async (job) => {
    const step = job.stepTx("reserve", async (tx) => {
      expectTypeOf(tx).toEqualTypeOf<drizzle.TransactionOf<typeof db>>();
      return { reserved: 1 };
    });
    expectTypeOf(step).resolves.toEqualTypeOf<{ reserved: number }>();
    return job.commit(async (tx) => {
      expectTypeOf(tx).toEqualTypeOf<drizzle.TransactionOf<typeof db>>();
      return done;
    });
  });
  drizzle.transactional(db, job, () => done, { isolationLevel: "serializable", accessMode: "read write" });
  // @ts-expect-error: a result that is not the type's
  drizzle.transactional(db, job, () => ({ pdf: 1 }));
  // @ts-expect-error: no such level
  drizzle.transactional(db, job, () => done, { isolationLevel: "strict" });
  // @ts-expect-error: a transaction
  drizzle.transactional(drizzleTx, job, () => done);
});

test("kysely: a handler gets the instance's own transaction", () => {
  kysely.transactional(kyselyDb, job, async (tx) => {
    expectTypeOf(tx).toEqualTypeOf<Transaction<{ orders: { id: number } }>>();
    expectTypeOf(tx.selectFrom("orders").selectAll().execute()).resolves.toEqualTypeOf<{ id: number }[]>();
    return done;
  });
  kysely.handle(kyselyDb, job, async (job) => {
    const step = job.stepTx("reserve", async (tx) => {
      expectTypeOf(tx).toEqualTypeOf<Transaction<{ orders: { id: number } }>>();
      return { reserved: 1 };
    });
    expectTypeOf(step).resolves.toEqualTypeOf<{ reserved: number }>();
    return job.commit(async (tx) => {
      expectTypeOf(tx).toEqualTypeOf<Transaction<{ orders: { id: number } }>>();
      return done;
    });
  });
  kysely.transactional(kyselyDb, job, () => done, {
    isolationLevel: "serializable",
    accessMode: "read write",
  });
  // @ts-expect-error: a result that is not the type's
  kysely.transactional(kyselyDb, job, () => ({ pdf: 1 }));
  // @ts-expect-error: a transaction
  kysely.transactional(kyselyTrx, job, () => done);
});

test("prisma: a handler gets the client's own transaction", () => {
  prisma.transactional(prismaClient, job, async (tx) => {
    expectTypeOf(tx.order.findFirst()).resolves.toEqualTypeOf<{
      id: string;
      total: number;
      customer: string | null;
    } | null>();
    // @ts-expect-error: a transaction has no such member, so it is not any
    tx.nothing;
    return done;
  });
  prisma.handle(prismaClient, job, async (job) => {
    const step = job.stepTx("reserve", async (tx) => {
      // @ts-expect-error: a transaction has no such member, so it is not any
      tx.nothing;
      return tx.order.count();
    });
    expectTypeOf(step).resolves.toEqualTypeOf<number>();
    return job.commit(async (tx) => {
      // @ts-expect-error: a transaction has no such member, so it is not any
      tx.nothing;
      return done;
    });
  });
  prisma.transactional(prismaClient, job, () => done, {
    timeout: 1,
    maxWait: 1,
    isolationLevel: "Serializable",
  });
  // @ts-expect-error: a result that is not the type's
  prisma.transactional(prismaClient, job, () => ({ pdf: 1 }));
  // @ts-expect-error: a transaction
  prisma.transactional(prismaTx, job, () => done);
});

test("typeorm: a handler gets an EntityManager", () => {
  typeorm.transactional(dataSource, job, async (tx) => {
    expectTypeOf(tx).toEqualTypeOf<EntityManager>();
    return done;
  });
  typeorm.handle(dataSource, job, async (job) => {
    const step = job.stepTx("reserve", async (tx) => {
      expectTypeOf(tx).toEqualTypeOf<EntityManager>();
      return { reserved: 1 };
    });
    expectTypeOf(step).resolves.toEqualTypeOf<{ reserved: number }>();
    return job.commit(async (tx) => {
      expectTypeOf(tx).toEqualTypeOf<EntityManager>();
      return done;
    });
  });
  typeorm.transactional(dataSource, job, () => done, "SERIALIZABLE");
  // @ts-expect-error: a result that is not the type's
  typeorm.transactional(dataSource, job, () => ({ pdf: 1 }));
  // @ts-expect-error: an EntityManager
  typeorm.transactional(manager, job, () => done);
});

test("what they make is a worker's handler", () => {
  createWorker({
    database: pool,
    handlers: [
      pg.transactional(pool, job, () => done),
      prisma.handle(prismaClient, job, () => done),
      drizzle.configure({ schema: "jobs" }).transactional(db, job, () => done),
    ],
  });
});
