import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { currentVersion, migrate } from "@pillion/core/migrate";
import { expect, test } from "vitest";
import { ownFolder, pillion } from "./pillion.ts";
import { type PrismaMigration, prisma } from "./prisma-engine.ts";
import { databaseWithQueues, emptyDatabase, query, queuesIn, tablesOfShop } from "./queue.ts";

const model = `model Order {
  id    String @id
  total Int
  @@map("orders")
}`;
const shop = `datasource db {
  provider = "postgresql"
}
${model}`;

/** The migrations that are in a folder, as Prisma reads them: in the order of their names. */
function migrationsIn(folder: string): PrismaMigration[] {
  return readdirSync(folder)
    .sort()
    .map((name) => ({ name, sql: readFileSync(join(folder, name, "migration.sql"), "utf8") }));
}

const orders: PrismaMigration = {
  name: "20260101000000_orders",
  sql: `CREATE TABLE "orders" ("id" TEXT NOT NULL, "total" INTEGER NOT NULL, CONSTRAINT "orders_pkey" PRIMARY KEY ("id"));`,
};

test("prisma db push, migrate dev, db pull and migrate reset leave the empty queues as they are", async () => {
  const [url, shadow] = [await databaseWithQueues(), await emptyDatabase()];
  const before = await queuesIn(url);
  const own = await prisma(url, shadow, shop);
  expect(await own.push()).toMatchObject({ executedSteps: 1, warnings: [], unexecutable: [] });
  expect(await own.push()).toMatchObject({ executedSteps: 0, warnings: [], unexecutable: [] });
  expect(await query(url, tablesOfShop)).toEqual([{ columns: "orders.id orders.total" }]);
  expect(await own.pull()).toContain("model Order {");
  expect((await own.pull()).match(/^(model|enum) .*/gm)).toEqual(["model Order {"]);
  await own.reset();
  expect(await query(url, tablesOfShop)).toEqual([{ columns: null }]);

  expect(await own.deploy([orders])).toEqual([orders.name]);
  expect(await own.diagnose([orders])).toEqual({ tag: "createMigration" });
  expect(await own.create([orders])).toBeNull();
  expect(await queuesIn(url)).toBe(before);
});

test("a datasource that lists the queue's schema has Prisma drop it, and one that lists others does not", async () => {
  const [url, shadow] = [await databaseWithQueues(), await emptyDatabase()];
  const before = await queuesIn(url);
  const listing = (schemas: readonly string[]) =>
    prisma(
      url,
      shadow,
      `datasource db {
  provider = "postgresql"
  schemas  = ${JSON.stringify(schemas)}
}
${model.replace("@@map", '@@schema("public")\n  @@map')}`,
    );
  expect(await (await listing(["public", "billing"])).push()).toMatchObject({
    warnings: [],
    unexecutable: [],
  });
  expect(await queuesIn(url)).toBe(before);
  const dropping = await (await listing(["public", "pillion"])).push();
  expect([dropping.executedSteps, dropping.warnings.join()]).toEqual([
    0,
    expect.stringContaining("migration"),
  ]);
});

test("--print prisma is run by migrate deploy, and again after migrate reset; pillion migrate then finds nothing to do", async () => {
  const [url, shadow, folder] = [await emptyDatabase(), await emptyDatabase(), ownFolder()];
  const own = await prisma(url, shadow, shop);
  await pillion("migrate", "--print", "prisma", "--out", folder);
  const migrations = [orders, ...migrationsIn(folder)];
  const names = migrations.map(({ name }) => name);
  expect(names).toEqual([orders.name, expect.stringMatching(/^\d{14}_pillion$/)]);
  // Each look of `migrate dev` runs the migrations on the shadow database, of which it empties the schemas of the model.
  for (let round = 1; round <= 2; round++) {
    expect(await own.deploy(migrations)).toEqual(names);
    expect(await own.diagnose(migrations)).toEqual({ tag: "createMigration" });
    expect(await own.create(migrations)).toBeNull();
    expect(await migrate({ database: url })).toMatchObject({ applied: [] });
    if (round === 1) await own.reset();
  }
});

test("--print prisma upgrades from the version that the database has", async () => {
  const [url, shadow, folder] = [await emptyDatabase(), await emptyDatabase(), ownFolder()];
  await migrate({ database: url, to: 7 });
  await pillion("migrate", "--print", "prisma", "--from", "database", "--database", url, "--out", folder);
  const migrations = migrationsIn(folder);
  expect(migrations[0]!.sql).toContain(`from version 7 to ${currentVersion}`);
  await (await prisma(url, shadow, shop)).deploy(migrations);
  expect(await migrate({ database: url })).toMatchObject({ from: currentVersion, applied: [] });
});
