import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { currentVersion, migrate } from "@pillion/core/migrate";
import { expect, test } from "vitest";
import { pillion } from "./pillion.ts";
import { prismaCli } from "./prisma-cli.ts";
import { databaseWithQueues, emptyDatabase, query, queuesIn, states, tablesOfShop } from "./queue.ts";

const model = `model Order {
  id    String @id
  total Int
  @@map("orders")
}`;
const shop = `datasource db {
  provider = "postgresql"
}
${model}`;
const listing = (schemas: readonly string[]) => `datasource db {
  provider = "postgresql"
  schemas  = ${JSON.stringify(schemas)}
}
${model.replace("@@map", '@@schema("public")\n  @@map')}`;

const pushed = [{ columns: "orders.id orders.total" }];
const orders = `CREATE TABLE "orders" ("id" TEXT NOT NULL, "total" INTEGER NOT NULL, CONSTRAINT "orders_pkey" PRIMARY KEY ("id"));`;
const unseen = {
  exitCode: 0,
  said: expect.not.stringMatching(/pillion\b|Job Queue|archive|transaction_guard/),
};
const inSync = { exitCode: 0, said: expect.stringMatching(/already in sync/i) };

test.each(states)(
  "prisma db push, db pull, migrate diff, migrate dev and migrate reset leave %s queues as they are, and do not name them",
  async (state) => {
    const [url, shadow] = [await databaseWithQueues(state), await emptyDatabase()];
    const before = await queuesIn(url);
    const prisma = await prismaCli(url, shadow, shop);
    const toDatabase = ["--to-config-datasource", "--exit-code"];
    expect(prisma.run("db", "push")).toMatchObject(unseen);
    expect(await query(url, tablesOfShop)).toEqual(pushed);
    expect(prisma.run("db", "push")).toMatchObject(inSync);
    const pulled = prisma.run("db", "pull", "--print");
    expect(pulled).toMatchObject(unseen);
    expect(pulled.said.match(/^(model|enum|view) .*/gm)).toEqual(["model Order {"]);
    const diff = prisma.run("migrate", "diff", "--from-schema", "schema.prisma", ...toDatabase);
    expect(diff).toMatchObject({ exitCode: 0, said: expect.stringContaining("No difference detected") });
    expect(prisma.run("migrate", "reset", "--force")).toMatchObject(unseen);
    expect(await query(url, tablesOfShop)).toEqual([{ columns: null }]);

    expect(prisma.run("migrate", "dev", "--name", "orders")).toMatchObject(unseen);
    expect(prisma.sql()).toMatch(/^-- CreateTable\nCREATE TABLE "orders" \([^;]*;\s*$/);
    expect(prisma.run("migrate", "dev", "--name", "nothing")).toMatchObject(inSync);
    expect(prisma.run("migrate", "status")).toMatchObject({
      exitCode: 0,
      said: expect.stringContaining("up to date"),
    });
    expect(await queuesIn(url)).toBe(before);
  },
);

test.each(states)(
  "a datasource that lists the schema of %s queues has Prisma drop it, and one that lists others does not",
  async (state) => {
    const [url, shadow] = [await databaseWithQueues(state), await emptyDatabase()];
    const before = await queuesIn(url);
    const others = await prismaCli(url, shadow, listing(["public", "billing"]));
    expect(others.run("db", "push")).toMatchObject(unseen);
    const dropping = await prismaCli(url, shadow, listing(["public", "pillion"]));
    expect(dropping.run("db", "push")).toMatchObject({
      exitCode: 1,
      said: expect.stringMatching(/about to drop the `migration` table/),
    });
    expect(await queuesIn(url)).toBe(before);
  },
);

test("--print prisma is run by migrate deploy, and again after migrate reset; pillion migrate then finds nothing to do", async () => {
  const [url, shadow] = [await emptyDatabase(), await emptyDatabase()];
  const prisma = await prismaCli(url, shadow, shop);
  mkdirSync(join(prisma.migrations, "20260101000000_orders"), { recursive: true });
  writeFileSync(join(prisma.migrations, "20260101000000_orders/migration.sql"), orders);
  writeFileSync(join(prisma.migrations, "migration_lock.toml"), 'provider = "postgresql"\n');
  await pillion("migrate", "--print", "prisma", "--out", prisma.migrations);
  expect(readdirSync(prisma.migrations).sort()).toEqual([
    "20260101000000_orders",
    expect.stringMatching(/^\d{14}_pillion$/),
    "migration_lock.toml",
  ]);
  expect(prisma.run("migrate", "deploy")).toMatchObject({
    exitCode: 0,
    said: expect.stringContaining("_pillion"),
  });
  // Each runs the migrations on the shadow database, of which it empties the schemas of the model.
  for (let round = 1; round <= 2; round++) {
    expect(prisma.run("migrate", "dev", "--name", "nothing")).toMatchObject(inSync);
    expect(await migrate({ database: url })).toMatchObject({ from: currentVersion, applied: [] });
    if (round === 1) await query(url, "select pillion.enqueue('kept', '1')");
    if (round === 1) expect(prisma.run("migrate", "reset", "--force")).toMatchObject({ exitCode: 0 });
  }
  expect(await query(url, "select name from pillion.jobs")).toEqual([{ name: "kept" }]);
});

test("--print prisma upgrades from the version that the database has", async () => {
  const [url, shadow] = [await emptyDatabase(), await emptyDatabase()];
  await migrate({ database: url, to: 7 });
  const prisma = await prismaCli(url, shadow, shop);
  mkdirSync(prisma.migrations);
  await pillion(
    "migrate",
    "--print",
    "prisma",
    "--from",
    "database",
    "--database",
    url,
    "--out",
    prisma.migrations,
  );
  expect(prisma.sql()).toContain(`from version 7 to ${currentVersion}`);
  expect(prisma.run("migrate", "deploy")).toMatchObject({ exitCode: 0 });
  expect(await migrate({ database: url })).toMatchObject({ from: currentVersion, applied: [] });
});
