import * as drizzle from "@pillion/drizzle";
import * as kysely from "@pillion/kysely";
import * as prisma from "@pillion/prisma";
import * as typeorm from "@pillion/typeorm";
import type { NodePgDatabase } from "drizzle-orm/node-postgres";
import type { Kysely } from "kysely";
import type { DataSource, EntityManager } from "typeorm";
import type { Prisma } from "../../packages/prisma/test/prisma-7/index.ts";

// What docs/ambient.md shows of libraries. The library itself runs in test/nest.

/** The host of @nestjs-cls/transactional, with the types that its adapters give to `tx`. */
interface TransactionHost<Tx> {
  readonly tx: Tx;
}

export function ofTypeOrmTransactional(dataSource: DataSource) {
  const { ambient } = typeorm;
  const tx = ambient(() => dataSource.manager);
  return tx;
}

export function ofTypeOrm(txHost: TransactionHost<EntityManager>) {
  const { ambient } = typeorm;
  const tx = ambient(() => txHost.tx);
  return tx;
}

export function ofPrisma(txHost: TransactionHost<Prisma.TransactionClient>) {
  const { ambient } = prisma;
  const tx = ambient(() => txHost.tx);
  return tx;
}

export function ofDrizzle(txHost: TransactionHost<drizzle.TransactionOf<NodePgDatabase>>) {
  const { ambient } = drizzle;
  const tx = ambient(() => txHost.tx);
  return tx;
}

export function ofKysely(txHost: TransactionHost<Kysely<{ orders: { id: string } }>>) {
  const { ambient } = kysely;
  const tx = ambient(() => txHost.tx as kysely.TransactionOf<typeof txHost.tx>);
  return tx;
}
