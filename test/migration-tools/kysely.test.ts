import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { currentVersion, migrate } from "@pillion/core/migrate";
import * as kysely from "kysely";
import * as kysely29 from "kysely-0.29";
import * as migration29 from "kysely-0.29/migration";
import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { folderWith } from "./folder.ts";
import { pillion } from "./pillion.ts";
import { databaseWithQueues, emptyDatabase, query, queuesIn, states, tablesOfShop } from "./queue.ts";

const generations = [
  { installed: "kysely", orm: kysely },
  { installed: "kysely-0.29", orm: { ...kysely29, ...migration29 } as unknown as typeof kysely },
];

const orders: kysely.Migration = {
  up: (db) => db.schema.createTable("orders").addColumn("id", "text").addColumn("total", "integer").execute(),
  down: (db) => db.schema.dropTable("orders").execute(),
};

describe.each(generations)("$installed", ({ installed, orm }) => {
  /** A folder for the migrations, in which modules find this Kysely. */
  function ownFolder(): string {
    const folder = join(folderWith({ kysely: installed }), "migrations");
    mkdirSync(folder);
    return folder;
  }

  /** Kysely's Migrator over a folder, in which the application's own migration is the first. */
  function migratorOf(url: string, folder: string): kysely.Migrator {
    const db = new orm.Kysely<unknown>({
      dialect: new orm.PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }),
    });
    onTestFinished(() => db.destroy());
    // As FileMigrationProvider does it, which leaves the compiling to whoever started the process.
    const getMigrations = async () => {
      const migrations: Record<string, kysely.Migration> = { "0001_orders": orders };
      for (const file of readdirSync(folder))
        migrations[file.slice(0, -3)] = await import(pathToFileURL(join(folder, file)).href);
      return migrations;
    };
    return new orm.Migrator({ db, provider: { getMigrations } });
  }

  test.each(states)("the Migrator leaves %s queues as they are, up and down", async (state) => {
    const url = await databaseWithQueues(state);
    const before = await queuesIn(url);
    const migrator = migratorOf(url, ownFolder());
    expect(await migrator.migrateToLatest()).not.toHaveProperty("error");
    expect(await query(url, tablesOfShop)).toEqual([{ columns: "orders.id orders.total" }]);
    expect(await migrator.migrateTo(orm.NO_MIGRATIONS)).not.toHaveProperty("error");
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
});
