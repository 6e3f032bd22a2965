import type { ShopKind } from "../shop.ts";
import { drizzle } from "./drizzle.ts";
import { kysely } from "./kysely.ts";
import { pg } from "./pg.ts";
import { prisma } from "./prisma.ts";
import { typeorm } from "./typeorm.ts";

/** The ORMs of the demo, in the order of its table. */
export const shops: readonly ShopKind[] = [pg, kysely, drizzle, typeorm, prisma];
