import { readFileSync } from "node:fs";
import { currentVersion, migrate, migrationSql } from "@pillion/core/migrate";
import { scratchDatabase } from "@pillion/dev-postgres";
import pg from "pg";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import { migrateWith } from "../../src/migrate/migrate.ts";
import { pendingMigrations } from "../../src/migrate/migration-sql.ts";
import { catalogOf } from "./catalog.ts";
import { apply, work } from "./life.ts";
import { nextRelease } from "./next-release.ts";
import { replay } from "./recording.ts";
import { outcomeIn, recordLife, releases } from "./releases.ts";

const recorded = releases();
/** As if this release without its last file had been one. */
const beforeLast = {
  name: "none yet",
  version: currentVersion - 1,
  sql: migrationSql({ to: currentVersion - 1 }),
};

/** A database in which this SQL was run, and a pool on it, for one test. */
async function databaseWith(sql?: string) {
  const { url, drop } = await scratchDatabase(inject("databaseUrl"), "release");
  const pool = new pg.Pool({ connectionString: url });
  pool.on("error", () => {});
  onTestFinished(async () => {
    await pool.end();
    await drop();
  });
  if (sql === undefined) await migrate({ database: pool });
  else await pool.query(sql);
  return { url, pool };
}

async function catalogIn(pool: pg.Pool): Promise<string> {
  const client = await pool.connect();
  try {
    return await catalogOf(client, "pillion");
  } finally {
    client.release(true);
  }
}

test("the release that is to come is recorded as it is, by `npm run record:release`", async () => {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  const release = recorded.find(({ name }) => name === version);
  expect(release).toMatchObject({ version: currentVersion });
  // It is long: where it is another, that is enough to know.
  expect(release!.sql === migrationSql()).toBe(true);
  const { statements, outcome } = await recordLife(inject("databaseUrl"));
  expect(release!.life.statements.toSorted()).toEqual(statements.toSorted());
  expect(release!.life.outcome).toEqual(outcome);
});

describe.each([...recorded, beforeLast])("release $name, schema $version", ({ version, sql }) => {
  test("its migrations are as they were released", () => {
    const edited = pendingMigrations({ to: version }).filter((migration) => !sql.includes(migration.sql));
    expect(edited.map(({ name }) => name)).toEqual([]);
  });

  test("its schema, and the migrations since, are the present schema; its jobs are kept", async () => {
    const [released, fresh] = [await databaseWith(sql), await databaseWith()];
    await released.pool.query("select pillion.enqueue('kept', '1')");
    expect(await migrate({ database: released.pool })).toMatchObject({ from: version, to: currentVersion });
    expect(await catalogIn(released.pool)).toBe(await catalogIn(fresh.pool));
    expect((await released.pool.query("select name from pillion.jobs")).rows).toEqual([{ name: "kept" }]);
  });

  test("an application of the present release enqueues on its schema, and its jobs are run once that is upgraded", async () => {
    const [released, fresh] = [await databaseWith(sql), await databaseWith()];
    await apply(released.pool);
    if (version < currentVersion)
      await expect(work(released.pool)).rejects.toMatchObject({
        code: "SCHEMA_OUTDATED",
        message: expect.stringContaining("npx pillion migrate"),
      });
    await migrate({ database: released.pool });
    await work(released.pool);
    await apply(fresh.pool);
    await work(fresh.pool);
    expect(await outcomeIn(released.url)).toEqual(await outcomeIn(fresh.url));
  });
});

describe.each(recorded)("release $name", ({ life, sql }) => {
  test.each([
    ["the present schema", undefined],
    ["the schema of a release to come", nextRelease],
  ])("all that its application and its workers send does the same on %s", async (_, to) => {
    const { url } = await databaseWith();
    if (to) await migrateWith(to, { database: url });
    expect(await replay(url, life)).toEqual([]);
    expect(await outcomeIn(url)).toEqual(life.outcome);
  });

  test("all that its application and its workers send does the same while its schema becomes that of a release to come", async () => {
    const { url, pool } = await databaseWith(sql);
    const upgrade = () => migrateWith(nextRelease, { database: url });
    const replayed = replay(url, life, async () => {
      const { rowCount } = await pool.query("select from pillion.jobs where state = 'running'");
      expect(rowCount).toBeGreaterThan(0);
      await upgrade();
    });
    expect(await replayed).toEqual([]);
    expect(await outcomeIn(url)).toEqual(life.outcome);
    expect(await upgrade()).toMatchObject({ from: currentVersion + 1, applied: [] });
  });
});
