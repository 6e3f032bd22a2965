import {
  type Changed,
  defineEvent,
  defineJob,
  defineTopic,
  type Emitted,
  type Published,
  type QueueChanged,
  type,
} from "@pillion/core";
import * as drizzle from "@pillion/drizzle";
import * as kysely from "@pillion/kysely";
import * as pg from "@pillion/pg";
import * as prisma from "@pillion/prisma";
import * as typeorm from "@pillion/typeorm";
import type { NodePgDatabase } from "drizzle-orm/node-postgres";
import type { Kysely, Transaction } from "kysely";
import type { Pool, PoolClient } from "pg";
import type { DataSource, EntityManager } from "typeorm";
import { expectTypeOf, test } from "vitest";
import type { PrismaClient } from "../packages/prisma/test/prisma-7/index.ts";

const job = defineJob({ name: "invoice.send", payload: type<null>() });
const topic = defineTopic({ name: "order.placed", payload: type<{ id: number }>() });
const packed = defineEvent({ name: "shipment.packed", payload: type<{ boxes: number }>() });

declare const pgClient: PoolClient;
declare const pool: Pool;
declare const drizzleTx: drizzle.TransactionOf<NodePgDatabase>;
declare const drizzleDb: NodePgDatabase;
declare const kyselyTrx: Transaction<{ orders: { id: string } }>;
declare const kyselyDb: Kysely<{ orders: { id: string } }>;
declare const prismaTx: prisma.TransactionOf<PrismaClient>;
declare const prismaClient: PrismaClient;
declare const manager: EntityManager;
declare const dataSource: DataSource;

test("the verbs answer what was changed, publish each subscriber's job, and emit whether it was the first", () => {
  expectTypeOf(pg.cancel(pgClient, "1")).resolves.toEqualTypeOf<Changed>();
  expectTypeOf(kysely.pause(kyselyTrx, "mail")).resolves.toEqualTypeOf<QueueChanged>();
  expectTypeOf(prisma.publish(prismaTx, topic, { id: 1 })).resolves.toEqualTypeOf<readonly Published[]>();
  expectTypeOf(typeorm.emit(manager, packed(1), { boxes: 1 })).resolves.toEqualTypeOf<Emitted>();
  // @ts-expect-error: the event's payload has a number
  pg.emit(pgClient, packed(1), { boxes: "1" });
  // @ts-expect-error: the topic's payload has a number
  drizzle.publish(drizzleTx, topic, { id: "1" });
  // @ts-expect-error: bound to other settings they are as strict
  kysely.configure({ schema: "jobs" }).publish(kyselyTrx, topic, { id: "1" });
});

test("pg: each verb takes a transaction, and does not compile with the pool", () => {
  pg.cancel(pgClient, "1");
  // @ts-expect-error: the pool
  pg.cancel(pool, "1");
  pg.retry(pgClient, { name: job, state: "dead" });
  // @ts-expect-error: the pool
  pg.retry(pool, { name: job, state: "dead" });
  pg.reschedule(pgClient, "1", { delayMs: 1 });
  // @ts-expect-error: the pool
  pg.reschedule(pool, "1", { delayMs: 1 });
  pg.pause(pgClient, "mail");
  // @ts-expect-error: the pool
  pg.pause(pool, "mail");
  pg.resume(pgClient, "mail");
  // @ts-expect-error: the pool
  pg.resume(pool, "mail");
  pg.publish(pgClient, topic, { id: 1 });
  // @ts-expect-error: the pool
  pg.publish(pool, topic, { id: 1 });
  pg.emit(pgClient, packed(1), { boxes: 1 });
  // @ts-expect-error: the pool
  pg.emit(pool, packed(1), { boxes: 1 });
});

test("drizzle: each verb takes a transaction, and does not compile with the database", () => {
  drizzle.cancel(drizzleTx, "1");
  // @ts-expect-error: the database
  drizzle.cancel(drizzleDb, "1");
  drizzle.retry(drizzleTx, { name: job, state: "dead" });
  // @ts-expect-error: the database
  drizzle.retry(drizzleDb, { name: job, state: "dead" });
  drizzle.reschedule(drizzleTx, "1", { delayMs: 1 });
  // @ts-expect-error: the database
  drizzle.reschedule(drizzleDb, "1", { delayMs: 1 });
  drizzle.pause(drizzleTx, "mail");
  // @ts-expect-error: the database
  drizzle.pause(drizzleDb, "mail");
  drizzle.resume(drizzleTx, "mail");
  // @ts-expect-error: the database
  drizzle.resume(drizzleDb, "mail");
  drizzle.publish(drizzleTx, topic, { id: 1 });
  // @ts-expect-error: the database
  drizzle.publish(drizzleDb, topic, { id: 1 });
  drizzle.emit(drizzleTx, packed(1), { boxes: 1 });
  // @ts-expect-error: the database
  drizzle.emit(drizzleDb, packed(1), { boxes: 1 });
});

test("kysely: each verb takes a transaction, and does not compile with the Kysely instance", () => {
  kysely.cancel(kyselyTrx, "1");
  // @ts-expect-error: the Kysely instance
  kysely.cancel(kyselyDb, "1");
  kysely.retry(kyselyTrx, { name: job, state: "dead" });
  // @ts-expect-error: the Kysely instance
  kysely.retry(kyselyDb, { name: job, state: "dead" });
  kysely.reschedule(kyselyTrx, "1", { delayMs: 1 });
  // @ts-expect-error: the Kysely instance
  kysely.reschedule(kyselyDb, "1", { delayMs: 1 });
  kysely.pause(kyselyTrx, "mail");
  // @ts-expect-error: the Kysely instance
  kysely.pause(kyselyDb, "mail");
  kysely.resume(kyselyTrx, "mail");
  // @ts-expect-error: the Kysely instance
  kysely.resume(kyselyDb, "mail");
  kysely.publish(kyselyTrx, topic, { id: 1 });
  // @ts-expect-error: the Kysely instance
  kysely.publish(kyselyDb, topic, { id: 1 });
  kysely.emit(kyselyTrx, packed(1), { boxes: 1 });
  // @ts-expect-error: the Kysely instance
  kysely.emit(kyselyDb, packed(1), { boxes: 1 });
});

test("prisma: each verb takes a transaction, and does not compile with the client", () => {
  prisma.cancel(prismaTx, "1");
  // @ts-expect-error: the client
  prisma.cancel(prismaClient, "1");
  prisma.retry(prismaTx, { name: job, state: "dead" });
  // @ts-expect-error: the client
  prisma.retry(prismaClient, { name: job, state: "dead" });
  prisma.reschedule(prismaTx, "1", { delayMs: 1 });
  // @ts-expect-error: the client
  prisma.reschedule(prismaClient, "1", { delayMs: 1 });
  prisma.pause(prismaTx, "mail");
  // @ts-expect-error: the client
  prisma.pause(prismaClient, "mail");
  prisma.resume(prismaTx, "mail");
  // @ts-expect-error: the client
  prisma.resume(prismaClient, "mail");
  prisma.publish(prismaTx, topic, { id: 1 });
  // @ts-expect-error: the client
  prisma.publish(prismaClient, topic, { id: 1 });
  prisma.emit(prismaTx, packed(1), { boxes: 1 });
  // @ts-expect-error: the client
  prisma.emit(prismaClient, packed(1), { boxes: 1 });
});

test("typeorm: each verb takes a transaction, and does not compile with the DataSource", () => {
  typeorm.cancel(manager, "1");
  // @ts-expect-error: the DataSource
  typeorm.cancel(dataSource, "1");
  typeorm.retry(manager, { name: job, state: "dead" });
  // @ts-expect-error: the DataSource
  typeorm.retry(dataSource, { name: job, state: "dead" });
  typeorm.reschedule(manager, "1", { delayMs: 1 });
  // @ts-expect-error: the DataSource
  typeorm.reschedule(dataSource, "1", { delayMs: 1 });
  typeorm.pause(manager, "mail");
  // @ts-expect-error: the DataSource
  typeorm.pause(dataSource, "mail");
  typeorm.resume(manager, "mail");
  // @ts-expect-error: the DataSource
  typeorm.resume(dataSource, "mail");
  typeorm.publish(manager, topic, { id: 1 });
  // @ts-expect-error: the DataSource
  typeorm.publish(dataSource, topic, { id: 1 });
  typeorm.emit(manager, packed(1), { boxes: 1 });
  // @ts-expect-error: the DataSource
  typeorm.emit(dataSource, packed(1), { boxes: 1 });
});
