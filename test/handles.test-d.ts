import { defineJob, type } from "@pillion/core";
import * as drizzle from "@pillion/drizzle";
import * as kysely from "@pillion/kysely";
import * as pg from "@pillion/pg";
import * as prisma from "@pillion/prisma";
import * as typeorm from "@pillion/typeorm";
import type { NodePgDatabase } from "drizzle-orm/node-postgres";
import type { ControlledTransaction, Transaction } from "kysely";
import type { PoolClient } from "pg";
import type { EntityManager, QueryRunner } from "typeorm";
import { test } from "vitest";
import type { PrismaClient } from "../packages/prisma/test/prisma-7/index.ts";

const job = defineJob({ name: "invoice.send", payload: type<null>() })(null);

declare const pgClient: PoolClient;
declare const drizzleTx: drizzle.TransactionOf<NodePgDatabase>;
declare const kyselyTrx: Transaction<{ orders: { id: string } }>;
declare const kyselyControlled: ControlledTransaction<{ orders: { id: string } }>;
declare const prismaTx: prisma.TransactionOf<PrismaClient>;
declare const manager: EntityManager;
declare const runner: QueryRunner;

test("each adapter takes its own ORM's transaction", () => {
  pg.enqueue(pgClient, job);
  drizzle.enqueue(drizzleTx, job);
  kysely.enqueue(kyselyTrx, job);
  kysely.enqueue(kyselyControlled, job);
  prisma.enqueue(prismaTx, job);
  typeorm.enqueue(manager, job);
  typeorm.enqueue(runner, job);
});

test("pg does not compile with the transaction of another ORM", () => {
  // @ts-expect-error: Drizzle's
  pg.enqueue(drizzleTx, job);
  // @ts-expect-error: Kysely's
  pg.enqueue(kyselyTrx, job);
  // @ts-expect-error: Prisma's
  pg.enqueue(prismaTx, job);
  // @ts-expect-error: TypeORM's
  pg.enqueue(manager, job);
  // @ts-expect-error: TypeORM's
  pg.enqueue(runner, job);
});

test("Drizzle does not compile with the transaction of another ORM", () => {
  // @ts-expect-error: pg's
  drizzle.enqueue(pgClient, job);
  // @ts-expect-error: Kysely's
  drizzle.enqueue(kyselyTrx, job);
  // @ts-expect-error: Kysely's
  drizzle.enqueue(kyselyControlled, job);
  // @ts-expect-error: Prisma's
  drizzle.enqueue(prismaTx, job);
  // @ts-expect-error: TypeORM's
  drizzle.enqueue(manager, job);
});

test("Kysely does not compile with the transaction of another ORM", () => {
  // @ts-expect-error: pg's
  kysely.enqueue(pgClient, job);
  // @ts-expect-error: Drizzle's
  kysely.enqueue(drizzleTx, job);
  // @ts-expect-error: Prisma's
  kysely.enqueue(prismaTx, job);
  // @ts-expect-error: TypeORM's
  kysely.enqueue(manager, job);
  // @ts-expect-error: TypeORM's
  kysely.enqueue(runner, job);
});

test("Prisma does not compile with the transaction of another ORM", () => {
  // @ts-expect-error: pg's
  prisma.enqueue(pgClient, job);
  // @ts-expect-error: Drizzle's
  prisma.enqueue(drizzleTx, job);
  // @ts-expect-error: Kysely's
  prisma.enqueue(kyselyTrx, job);
  // @ts-expect-error: TypeORM's
  prisma.enqueue(manager, job);
});

test("TypeORM does not compile with the transaction of another ORM", () => {
  // @ts-expect-error: pg's
  typeorm.enqueue(pgClient, job);
  // @ts-expect-error: Drizzle's
  typeorm.enqueue(drizzleTx, job);
  // @ts-expect-error: Kysely's
  typeorm.enqueue(kyselyTrx, job);
  // @ts-expect-error: Prisma's
  typeorm.enqueue(prismaTx, job);
});
