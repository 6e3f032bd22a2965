import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { currentVersion, migrate } from "@pillion/core/migrate";
import { Kysely, type Migration, Migrator, NO_MIGRATIONS, PostgresDialect } from "kysely";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { ownFolder, pillion } from "./pillion.ts";
import { databaseWithQueues, emptyDatabase, query, queuesIn, tablesOfShop } from "./queue.ts";

const orders: Migration = {
  up: (db) => db.schema.createTable("orders").addColumn("id", "text").addColumn("total", "integer").execute(),
  down: (db) => db.schema.dropTable("orders").execute(),
};

/** Kysely's Migrator over a folder, in which the application's own migration is the first. */
function migratorOf(url: string, folder: string): Migrator {
  const db = new Kysely<unknown>({
    dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }),
  });
  onTestFinished(() => db.destroy());
  // As FileMigrationProvider does it, which leaves the compiling to whoever started the process.
  const getMigrations = async () => {
    const migrations: Record<string, Migration> = { "0001_orders": orders };
    for (const file of readdirSync(folder))
      migrations[file.slice(0, -3)] = await import(pathToFileURL(join(folder, file)).href);
    return migrations;
  };
  return new Migrator({ db, provider: { getMigrations } });
}

test("Kysely's Migrator leaves the empty queues as they are, up and down", async () => {
  const url = await databaseWithQueues();
  const before = await queuesIn(url);
  const migrator = migratorOf(url, ownFolder());
  expect(await migrator.migrateToLatest()).not.toHaveProperty("error");
  expect(await query(url, tablesOfShop)).toEqual([{ columns: "orders.id orders.total" }]);
  expect(await migrator.migrateTo(NO_MIGRATIONS)).not.toHaveProperty("error");
  expect(await query(url, tablesOfShop)).toEqual([{ columns: null }]);
  expect(await queuesIn(url)).toBe(before);
});

test("--print kysely is run by the Migrator, up, down and up; pillion migrate then finds nothing to do", async () => {
  const [url, folder] = [await emptyDatabase(), ownFolder()];
  await pillion("migrate", "--print", "kysely", "--out", folder);
  const migrator = migratorOf(url, folder);
  const queue = `select to_regnamespace('pillion')::text as queue`;
  for (const [step, found] of [
    [() => migrator.migrateToLatest(), "pillion"],
    [() => migrator.migrateDown(), null],
    [() => migrator.migrateToLatest(), "pillion"],
  ] as const) {
    expect(await step()).not.toHaveProperty("error");
    expect(await query(url, queue)).toEqual([{ queue: found }]);
  }
  expect(await migrate({ database: url })).toMatchObject({ from: currentVersion, applied: [] });
});

test("--print kysely upgrades from a version, and does not go back to it", async () => {
  const [url, folder] = [await emptyDatabase(), ownFolder()];
  await migrate({ database: url, to: 7 });
  await pillion("migrate", "--print", "kysely", "--from", "7", "--out", folder);
  const migrator = migratorOf(url, folder);
  expect(await migrator.migrateToLatest()).not.toHaveProperty("error");
  expect(await migrator.migrateDown()).toMatchObject({
    error: {
      message: `Pillion's schema does not go back from version ${currentVersion} to 7: restore a backup.`,
    },
  });
  expect(await migrate({ database: url })).toMatchObject({ from: currentVersion, applied: [] });
});
