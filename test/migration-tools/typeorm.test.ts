import { readdirSync } from "node:fs";
import { currentVersion, migrate } from "@pillion/core/migrate";
import { describe, expect, test } from "vitest";
import { pillion } from "./pillion.ts";
import { databaseWithQueues, emptyDatabase, query, queuesIn, states, tablesOfShop } from "./queue.ts";
import { generations, typeormCli } from "./typeorm-cli.ts";

const made = [{ columns: "orders.id orders.total" }];
const dropped = [{ columns: null }];
const done = { exitCode: 0 };
const unseen = { exitCode: 0, said: expect.not.stringMatching(/pillion|Job Queue|archive/) };

describe.each(generations)("%s", (generation) => {
  test.each(states)(
    "schema:sync, schema:log, migration:generate and schema:drop leave %s queues as they are, and do not name them",
    async (state) => {
      const url = await databaseWithQueues(state);
      const before = await queuesIn(url);
      const typeorm = typeormCli(generation, url);
      expect(typeorm.run("migration:generate", "migrations/Orders")).toMatchObject(unseen);
      expect(typeorm.code()).toMatch(/CREATE TABLE "orders"/);
      expect(typeorm.code()).not.toMatch(/pillion|Job Queue|archive|job/i);
      expect(typeorm.run("migration:run")).toMatchObject(unseen);
      expect(await query(url, tablesOfShop)).toEqual(made);
      expect(typeorm.run("migration:generate", "migrations/More")).toMatchObject({
        exitCode: 1,
        said: expect.stringContaining("No changes in database schema were found"),
      });
      expect(typeorm.run("schema:log").said).toContain("Your schema is up to date");
      expect(typeorm.run("schema:drop")).toMatchObject(unseen);
      expect(await query(url, tablesOfShop)).toEqual(dropped);
      expect(typeorm.run("schema:sync")).toMatchObject(unseen);
      expect(await query(url, tablesOfShop)).toEqual(made);
      expect(await queuesIn(url)).toBe(before);
    },
  );

  test.each(states)(
    "an application that starts with synchronize and dropSchema leaves %s queues as they are",
    async (state) => {
      const url = await databaseWithQueues(state);
      const before = await queuesIn(url);
      const typeorm = typeormCli(generation, url, { synchronize: true, dropSchema: true });
      expect(typeorm.start()).toMatchObject(unseen);
      expect(await query(url, tablesOfShop)).toEqual(made);
      expect(await queuesIn(url)).toBe(before);
    },
  );

  test("a data source with the queue's schema as its own has schema:drop drop its tables", async () => {
    const url = await databaseWithQueues("empty");
    expect(typeormCli(generation, url, { schema: "Job Queue" }).run("schema:drop")).toMatchObject(done);
    const left = `select to_regclass('"Job Queue".job') as job, to_regclass('pillion.job')::text as other`;
    expect(await query(url, left)).toEqual([{ job: null, other: "pillion.job" }]);
  });

  test("--print typeorm is run by migration:run, reverted and run; pillion migrate then finds nothing to do", async () => {
    const url = await emptyDatabase();
    const typeorm = typeormCli(generation, url);
    await pillion("migrate", "--print", "typeorm", "--out", typeorm.migrations);
    expect(readdirSync(typeorm.migrations)).toEqual([expect.stringMatching(/^\d{13}-Pillion\.ts$/)]);
    for (const [command, found] of [
      ["migration:run", "pillion"],
      ["migration:revert", null],
      ["migration:run", "pillion"],
    ] as const) {
      expect(typeorm.run(command)).toMatchObject(done);
      expect(await query(url, "select to_regnamespace('pillion')::text as queue")).toEqual([
        { queue: found },
      ]);
    }
    expect(typeorm.run("migration:run").said).toContain("No migrations are pending");
    expect(await migrate({ database: url })).toMatchObject({ from: currentVersion, applied: [] });
  });

  test("--print typeorm upgrades from a version, and does not go back to it", async () => {
    const url = await emptyDatabase();
    await migrate({ database: url, to: 7 });
    const typeorm = typeormCli(generation, url);
    await pillion("migrate", "--print", "typeorm", "--from", "7", "--out", typeorm.migrations);
    expect(typeorm.run("migration:run")).toMatchObject(done);
    expect(typeorm.run("migration:revert")).toMatchObject({
      exitCode: 1,
      said: expect.stringContaining(
        `Pillion's schema does not go back from version ${currentVersion} to 7: restore a backup.`,
      ),
    });
    expect(await migrate({ database: url })).toMatchObject({ from: currentVersion, applied: [] });
  });
});
