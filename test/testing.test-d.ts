import { defineJob, type } from "@pillion/core";
import type { EnqueuedJob } from "@pillion/core/testing";
import type { TransactionOf } from "@pillion/drizzle";
import { expectEnqueued as onDrizzle } from "@pillion/drizzle/testing";
import { expectEnqueued as onKysely } from "@pillion/kysely/testing";
import { handle } from "@pillion/pg";
import { configure, expectEnqueued as onPg, runEnqueued } from "@pillion/pg/testing";
import type { TransactionOf as PrismaTransactionOf } from "@pillion/prisma";
import { expectEnqueued as onPrisma } from "@pillion/prisma/testing";
import { expectEnqueued as onTypeOrm } from "@pillion/typeorm/testing";
import type { NodePgDatabase } from "drizzle-orm/node-postgres";
import type { Kysely, Transaction } from "kysely";
import type { Pool, PoolClient } from "pg";
import type { DataSource, EntityManager } from "typeorm";
import { expectTypeOf, test } from "vitest";
import type { PrismaClient } from "../packages/prisma/test/prisma-7/index.ts";

interface Order {
  readonly orderId: number;
  readonly lines: readonly { readonly sku: string; readonly count: number }[];
}
const job = defineJob({ name: "invoice.send", payload: type<Order>() });

declare const pool: Pool;
declare const tx: PoolClient;
declare const db: NodePgDatabase;
declare const drizzleTx: TransactionOf<NodePgDatabase>;
declare const kyselyDb: Kysely<{ orders: { id: number } }>;
declare const trx: Transaction<{ orders: { id: number } }>;
declare const prisma: PrismaClient;
declare const prismaTx: PrismaTransactionOf<PrismaClient>;
declare const dataSource: DataSource;
declare const manager: EntityManager;

test("expectEnqueued takes any part of the payload, and answers it typed", () => {
  expectTypeOf(onPg(tx, job, { lines: [{ sku: "a" }] })).resolves.toEqualTypeOf<EnqueuedJob<Order>[]>();
  onPg(tx, job);
  onPg(tx, job, {}, { times: 0 });
  onPg(tx, job, { orderId: undefined });
  // @ts-expect-error: another type
  onPg(tx, job, { orderId: "7" });
  // @ts-expect-error: no such property
  onPg(tx, job, { order: 7 });
  // @ts-expect-error: no such property, deeper
  onPg(tx, job, { lines: [{ name: "a" }] });
});

test("each adapter takes its transaction, and no root client", () => {
  onDrizzle(drizzleTx, job);
  // @ts-expect-error: the database
  onDrizzle(db, job);
  onKysely(trx, job);
  // @ts-expect-error: the instance
  onKysely(kyselyDb, job);
  onPrisma(prismaTx, job);
  // @ts-expect-error: the client
  onPrisma(prisma, job);
  onTypeOrm(manager, job);
  // @ts-expect-error: the data source
  onTypeOrm(dataSource, job);
  // @ts-expect-error: a pool
  onPg(pool, job);
});

test("runEnqueued takes handlers, and a time", () => {
  const handlers = [handle(pool, job, () => {})];
  runEnqueued(tx, handlers, { now: new Date() });
  configure({ schema: "jobs" }).runEnqueued(tx, handlers);
  // @ts-expect-error: not a list
  runEnqueued(tx, handlers[0]);
  // @ts-expect-error: a number
  runEnqueued(tx, handlers, { now: Date.now() });
  // @ts-expect-error: a pool
  runEnqueued(pool, handlers);
});
