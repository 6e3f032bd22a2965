import {
  type Ambient,
  type Changed,
  defineEvent,
  defineJob,
  defineTopic,
  type Emitted,
  type Enqueued,
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

const mail = defineJob({ name: "mail.send", payload: type<null>() });
const job = mail(null);
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

test("pg: every verb takes an ambient transaction, and does not compile with an ambient pool", () => {
  const tx = pg.ambient(() => pgClient);
  expectTypeOf(tx).toEqualTypeOf<Ambient<typeof pgClient>>();
  const root = null as unknown as Ambient<typeof pool>;
  expectTypeOf(pg.enqueue(tx, job)).resolves.toEqualTypeOf<Enqueued>();
  // @ts-expect-error: the pool
  pg.enqueue(root, job);
  pg.enqueueMany(tx, [job]);
  // @ts-expect-error: the pool
  pg.enqueueMany(root, [job]);
  expectTypeOf(pg.cancel(tx, "1")).resolves.toEqualTypeOf<Changed>();
  // @ts-expect-error: the pool
  pg.cancel(root, "1");
  pg.retry(tx, "1");
  // @ts-expect-error: the pool
  pg.retry(root, "1");
  pg.reschedule(tx, "1", { delayMs: 1 });
  // @ts-expect-error: the pool
  pg.reschedule(root, "1", { delayMs: 1 });
  pg.pause(tx, "mail");
  // @ts-expect-error: the pool
  pg.pause(root, "mail");
  pg.resume(tx, "mail");
  // @ts-expect-error: the pool
  pg.resume(root, "mail");
  pg.publish(tx, topic, { id: 1 });
  // @ts-expect-error: the pool
  pg.publish(root, topic, { id: 1 });
  expectTypeOf(pg.emit(tx, packed(1), { boxes: 1 })).resolves.toEqualTypeOf<Emitted>();
  // @ts-expect-error: the pool
  pg.emit(root, packed(1), { boxes: 1 });
  expectTypeOf(pg.idempotent(tx, ["orders.place", "1"], () => 7)).resolves.toEqualTypeOf<number>();
  // @ts-expect-error: the pool
  pg.idempotent(root, ["orders.place", "1"], () => 7);
});

test("drizzle: every verb takes an ambient transaction, and does not compile with an ambient database", () => {
  const tx = drizzle.ambient(() => drizzleTx);
  expectTypeOf(tx).toEqualTypeOf<Ambient<typeof drizzleTx>>();
  const root = null as unknown as Ambient<typeof drizzleDb>;
  expectTypeOf(drizzle.enqueue(tx, job)).resolves.toEqualTypeOf<Enqueued>();
  // @ts-expect-error: the database
  drizzle.enqueue(root, job);
  drizzle.enqueueMany(tx, [job]);
  // @ts-expect-error: the database
  drizzle.enqueueMany(root, [job]);
  expectTypeOf(drizzle.cancel(tx, "1")).resolves.toEqualTypeOf<Changed>();
  // @ts-expect-error: the database
  drizzle.cancel(root, "1");
  drizzle.retry(tx, "1");
  // @ts-expect-error: the database
  drizzle.retry(root, "1");
  drizzle.reschedule(tx, "1", { delayMs: 1 });
  // @ts-expect-error: the database
  drizzle.reschedule(root, "1", { delayMs: 1 });
  drizzle.pause(tx, "mail");
  // @ts-expect-error: the database
  drizzle.pause(root, "mail");
  drizzle.resume(tx, "mail");
  // @ts-expect-error: the database
  drizzle.resume(root, "mail");
  drizzle.publish(tx, topic, { id: 1 });
  // @ts-expect-error: the database
  drizzle.publish(root, topic, { id: 1 });
  expectTypeOf(drizzle.emit(tx, packed(1), { boxes: 1 })).resolves.toEqualTypeOf<Emitted>();
  // @ts-expect-error: the database
  drizzle.emit(root, packed(1), { boxes: 1 });
  expectTypeOf(drizzle.idempotent(tx, ["orders.place", "1"], () => 7)).resolves.toEqualTypeOf<number>();
  // @ts-expect-error: the database
  drizzle.idempotent(root, ["orders.place", "1"], () => 7);
});

test("kysely: every verb takes an ambient transaction, and does not compile with an ambient Kysely instance", () => {
  const tx = kysely.ambient(() => kyselyTrx);
  expectTypeOf(tx).toEqualTypeOf<Ambient<typeof kyselyTrx>>();
  const root = null as unknown as Ambient<typeof kyselyDb>;
  expectTypeOf(kysely.enqueue(tx, job)).resolves.toEqualTypeOf<Enqueued>();
  // @ts-expect-error: the Kysely instance
  kysely.enqueue(root, job);
  kysely.enqueueMany(tx, [job]);
  // @ts-expect-error: the Kysely instance
  kysely.enqueueMany(root, [job]);
  expectTypeOf(kysely.cancel(tx, "1")).resolves.toEqualTypeOf<Changed>();
  // @ts-expect-error: the Kysely instance
  kysely.cancel(root, "1");
  kysely.retry(tx, "1");
  // @ts-expect-error: the Kysely instance
  kysely.retry(root, "1");
  kysely.reschedule(tx, "1", { delayMs: 1 });
  // @ts-expect-error: the Kysely instance
  kysely.reschedule(root, "1", { delayMs: 1 });
  kysely.pause(tx, "mail");
  // @ts-expect-error: the Kysely instance
  kysely.pause(root, "mail");
  kysely.resume(tx, "mail");
  // @ts-expect-error: the Kysely instance
  kysely.resume(root, "mail");
  kysely.publish(tx, topic, { id: 1 });
  // @ts-expect-error: the Kysely instance
  kysely.publish(root, topic, { id: 1 });
  expectTypeOf(kysely.emit(tx, packed(1), { boxes: 1 })).resolves.toEqualTypeOf<Emitted>();
  // @ts-expect-error: the Kysely instance
  kysely.emit(root, packed(1), { boxes: 1 });
  expectTypeOf(kysely.idempotent(tx, ["orders.place", "1"], () => 7)).resolves.toEqualTypeOf<number>();
  // @ts-expect-error: the Kysely instance
  kysely.idempotent(root, ["orders.place", "1"], () => 7);
});

test("prisma: every verb takes an ambient transaction, and does not compile with an ambient client", () => {
  const tx = prisma.ambient(() => prismaTx);
  expectTypeOf(tx).toEqualTypeOf<Ambient<typeof prismaTx>>();
  const root = null as unknown as Ambient<typeof prismaClient>;
  expectTypeOf(prisma.enqueue(tx, job)).resolves.toEqualTypeOf<Enqueued>();
  // @ts-expect-error: the client
  prisma.enqueue(root, job);
  prisma.enqueueMany(tx, [job]);
  // @ts-expect-error: the client
  prisma.enqueueMany(root, [job]);
  expectTypeOf(prisma.cancel(tx, "1")).resolves.toEqualTypeOf<Changed>();
  // @ts-expect-error: the client
  prisma.cancel(root, "1");
  prisma.retry(tx, "1");
  // @ts-expect-error: the client
  prisma.retry(root, "1");
  prisma.reschedule(tx, "1", { delayMs: 1 });
  // @ts-expect-error: the client
  prisma.reschedule(root, "1", { delayMs: 1 });
  prisma.pause(tx, "mail");
  // @ts-expect-error: the client
  prisma.pause(root, "mail");
  prisma.resume(tx, "mail");
  // @ts-expect-error: the client
  prisma.resume(root, "mail");
  prisma.publish(tx, topic, { id: 1 });
  // @ts-expect-error: the client
  prisma.publish(root, topic, { id: 1 });
  expectTypeOf(prisma.emit(tx, packed(1), { boxes: 1 })).resolves.toEqualTypeOf<Emitted>();
  // @ts-expect-error: the client
  prisma.emit(root, packed(1), { boxes: 1 });
  expectTypeOf(prisma.idempotent(tx, ["orders.place", "1"], () => 7)).resolves.toEqualTypeOf<number>();
  // @ts-expect-error: the client
  prisma.idempotent(root, ["orders.place", "1"], () => 7);
});

test("typeorm: every verb takes an ambient transaction, and does not compile with an ambient DataSource", () => {
  const tx = typeorm.ambient(() => manager);
  expectTypeOf(tx).toEqualTypeOf<Ambient<typeof manager>>();
  const root = null as unknown as Ambient<typeof dataSource>;
  expectTypeOf(typeorm.enqueue(tx, job)).resolves.toEqualTypeOf<Enqueued>();
  // @ts-expect-error: the DataSource
  typeorm.enqueue(root, job);
  typeorm.enqueueMany(tx, [job]);
  // @ts-expect-error: the DataSource
  typeorm.enqueueMany(root, [job]);
  expectTypeOf(typeorm.cancel(tx, "1")).resolves.toEqualTypeOf<Changed>();
  // @ts-expect-error: the DataSource
  typeorm.cancel(root, "1");
  typeorm.retry(tx, "1");
  // @ts-expect-error: the DataSource
  typeorm.retry(root, "1");
  typeorm.reschedule(tx, "1", { delayMs: 1 });
  // @ts-expect-error: the DataSource
  typeorm.reschedule(root, "1", { delayMs: 1 });
  typeorm.pause(tx, "mail");
  // @ts-expect-error: the DataSource
  typeorm.pause(root, "mail");
  typeorm.resume(tx, "mail");
  // @ts-expect-error: the DataSource
  typeorm.resume(root, "mail");
  typeorm.publish(tx, topic, { id: 1 });
  // @ts-expect-error: the DataSource
  typeorm.publish(root, topic, { id: 1 });
  expectTypeOf(typeorm.emit(tx, packed(1), { boxes: 1 })).resolves.toEqualTypeOf<Emitted>();
  // @ts-expect-error: the DataSource
  typeorm.emit(root, packed(1), { boxes: 1 });
  expectTypeOf(typeorm.idempotent(tx, ["orders.place", "1"], () => 7)).resolves.toEqualTypeOf<number>();
  // @ts-expect-error: the DataSource
  typeorm.idempotent(root, ["orders.place", "1"], () => 7);
});

test("an ambient transaction of another ORM does not compile", () => {
  const ofPg = pg.ambient(() => pgClient);
  const ofDrizzle = drizzle.ambient(() => drizzleTx);
  const ofKysely = kysely.ambient(() => kyselyTrx);
  const ofPrisma = prisma.ambient(() => prismaTx);
  const ofTypeorm = typeorm.ambient(() => manager);
  // @ts-expect-error: drizzle's
  pg.enqueue(ofDrizzle, job);
  // @ts-expect-error: drizzle's
  pg.ambient(() => drizzleTx);
  // @ts-expect-error: kysely's
  drizzle.enqueue(ofKysely, job);
  // @ts-expect-error: kysely's
  drizzle.ambient(() => kyselyTrx);
  // @ts-expect-error: prisma's
  kysely.enqueue(ofPrisma, job);
  // @ts-expect-error: prisma's
  kysely.ambient(() => prismaTx);
  // @ts-expect-error: typeorm's
  prisma.enqueue(ofTypeorm, job);
  // @ts-expect-error: typeorm's
  prisma.ambient(() => manager);
  // @ts-expect-error: pg's
  typeorm.enqueue(ofPg, job);
  // @ts-expect-error: pg's
  typeorm.ambient(() => pgClient);
});
