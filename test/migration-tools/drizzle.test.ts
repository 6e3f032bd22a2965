import { currentVersion, migrate } from "@pillion/core/migrate";
import { describe, expect, test } from "vitest";
import { drizzleKit, generations } from "./drizzle-kit.ts";
import { pillion } from "./pillion.ts";
import { databaseWithQueues, emptyDatabase, query, queuesIn, tablesOfShop } from "./queue.ts";

describe.each(generations)("$kit", (generation) => {
  test("with schemaFilter, push leaves the empty queues as they are", async () => {
    const url = await databaseWithQueues();
    const before = await queuesIn(url);
    const kit = drizzleKit(generation, url, { schemaFilter: ["public"] });
    expect(kit.run("push")).toMatchObject({ exitCode: 0, said: expect.not.stringContaining("pillion") });
    expect(await query(url, tablesOfShop)).toEqual([{ columns: "orders.id orders.total" }]);
    expect(kit.run("push")).toMatchObject({
      exitCode: 0,
      said: expect.stringContaining("No changes detected"),
    });
    expect(await queuesIn(url)).toBe(before);
  });

  test("--print drizzle fills the custom migration; migrate runs it, and pillion migrate finds nothing to do", async () => {
    const url = await emptyDatabase();
    const kit = drizzleKit(generation, url);
    for (const args of [["--name=orders"], ["--custom", "--name=pillion"]])
      expect(kit.run("generate", ...args)).toMatchObject({ exitCode: 0 });
    expect(kit.sql()).toMatch(/create table "orders"/i);
    expect(kit.sql()).not.toContain("jobs");
    await pillion("migrate", "--print", "drizzle", "--out", kit.migrations);
    expect(kit.run("migrate")).toMatchObject({ exitCode: 0 });
    expect(await query(url, tablesOfShop)).toEqual([{ columns: "orders.id orders.total" }]);
    expect(await migrate({ database: url })).toMatchObject({ from: currentVersion, applied: [] });
    // The model has not changed.
    const written = kit.sql();
    expect(kit.run("generate")).toMatchObject({
      exitCode: 0,
      said: expect.stringMatching(/no schema changes/i),
    });
    expect(kit.sql()).toBe(written);
  });
});

test("drizzle-kit 1.0 without schemaFilter plans to drop the queue, which 0.31 does not see", async () => {
  const url = await databaseWithQueues();
  const before = await queuesIn(url);
  const [older, newer] = generations.map((generation) => drizzleKit(generation, url).run("push"));
  expect(older).toMatchObject({ exitCode: 0, said: expect.not.stringContaining("pillion") });
  expect(newer).toMatchObject({ exitCode: 2, said: expect.stringContaining("pillion.migration") });
  expect(await queuesIn(url)).toBe(before);
});

test("--print drizzle upgrades from a version", async () => {
  const url = await emptyDatabase();
  await migrate({ database: url, to: 7 });
  const kit = drizzleKit(generations[0], url);
  expect(kit.run("generate", "--custom", "--name=pillion")).toMatchObject({ exitCode: 0 });
  await pillion("migrate", "--print", "drizzle", "--from", "7", "--out", kit.migrations);
  expect(kit.run("migrate")).toMatchObject({ exitCode: 0 });
  expect(await migrate({ database: url })).toMatchObject({ from: currentVersion, applied: [] });
});
