import type { ShopKind } from "../shop.ts";

/** The ORMs of the demo, in the order of its tables. One that is not used is not loaded. */
export const shops: readonly ShopKind[] = [
  { name: "pg", open: async (...where) => (await import("./pg.ts")).openPg(...where) },
  { name: "Kysely", open: async (...where) => (await import("./kysely.ts")).openKysely(...where) },
  { name: "Drizzle", open: async (...where) => (await import("./drizzle.ts")).openDrizzle(...where) },
  { name: "TypeORM", open: async (...where) => (await import("./typeorm.ts")).openTypeorm(...where) },
  { name: "Prisma", open: async (...where) => (await import("./prisma.ts")).openPrisma(...where) },
];
