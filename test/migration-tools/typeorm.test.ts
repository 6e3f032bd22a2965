import "reflect-metadata";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { currentVersion, migrate } from "@pillion/core/migrate";
import { DataSource, type DataSourceOptions, EntitySchema } from "typeorm";
import { expect, onTestFinished, test } from "vitest";
import { ownFolder, pillion } from "./pillion.ts";
import { databaseWithQueues, emptyDatabase, query, queuesIn, tablesOfShop } from "./queue.ts";

const Order = new EntitySchema({
  name: "Order",
  tableName: "orders",
  columns: { id: { type: "text", primary: true }, total: { type: "integer" } },
});

async function dataSource(url: string, options: Partial<DataSourceOptions> = {}): Promise<DataSource> {
  const source = new DataSource({
    type: "postgres",
    url,
    entities: [Order],
    ...options,
  } as DataSourceOptions);
  await source.initialize();
  onTestFinished(() => source.destroy());
  return source;
}

/** The migrations that are in a folder, as a data source takes them. */
async function migrationsIn(folder: string): Promise<(new () => never)[]> {
  const files = readdirSync(folder).sort();
  const modules = await Promise.all(files.map((file) => import(pathToFileURL(join(folder, file)).href)));
  return modules.flatMap((module) => Object.values(module) as (new () => never)[]);
}

test("synchronize, migration:generate and dropSchema leave the empty queues as they are", async () => {
  const url = await databaseWithQueues();
  const before = await queuesIn(url);
  const source = await dataSource(url);
  await source.synchronize();
  expect(await query(url, tablesOfShop)).toEqual([{ columns: "orders.id orders.total" }]);
  // What migration:generate and schema:log are made of.
  expect((await source.driver.createSchemaBuilder().log()).upQueries).toEqual([]);
  await source.synchronize(true);
  await source.dropDatabase();
  expect(await query(url, tablesOfShop)).toEqual([{ columns: null }]);
  expect(await queuesIn(url)).toBe(before);
});

test("a data source with the queue's schema as its own has TypeORM drop its tables", async () => {
  const url = await databaseWithQueues();
  const source = await dataSource(url, { schema: "Job Queue" } as Partial<DataSourceOptions>);
  await source.dropDatabase();
  expect(
    await query(
      url,
      `select to_regclass('"Job Queue".job') as job, to_regclass('pillion.job')::text as other`,
    ),
  ).toEqual([{ job: null, other: "pillion.job" }]);
});

test("--print typeorm is run by migration:run, reverted and run; pillion migrate then finds nothing to do", async () => {
  const [url, folder] = [await emptyDatabase(), ownFolder()];
  await pillion("migrate", "--print", "typeorm", "--out", folder);
  const source = await dataSource(url, { migrations: await migrationsIn(folder) });
  expect(await source.runMigrations()).toMatchObject([{ name: expect.stringMatching(/^Pillion\d{13}$/) }]);
  expect(await source.runMigrations()).toEqual([]);
  await source.undoLastMigration();
  expect(await query(url, `select to_regnamespace('pillion') as queue`)).toEqual([{ queue: null }]);
  await source.runMigrations();
  expect(await migrate({ database: url })).toMatchObject({ from: currentVersion, applied: [] });
});

test("--print typeorm upgrades from a version, and does not go back to it", async () => {
  const [url, folder] = [await emptyDatabase(), ownFolder()];
  await migrate({ database: url, to: 7 });
  await pillion("migrate", "--print", "typeorm", "--from", "7", "--out", folder);
  const source = await dataSource(url, { migrations: await migrationsIn(folder) });
  await source.runMigrations();
  await expect(source.undoLastMigration()).rejects.toThrow(
    `Pillion's schema does not go back from version ${currentVersion} to 7: restore a backup.`,
  );
  expect(await migrate({ database: url })).toMatchObject({ from: currentVersion, applied: [] });
});
