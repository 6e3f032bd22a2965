import { currentVersion, migrate } from "@pillion/core/migrate";
import { describe, expect, test } from "vitest";
import { drizzleKit, generations } from "./drizzle-kit.ts";
import { doctorIn, pillion } from "./pillion.ts";
import { databaseWithQueues, emptyDatabase, query, queuesIn, states, tablesOfShop } from "./queue.ts";

describe.each(generations)("$kit", (generation) => {
  test.each(states)(
    "with schemaFilter, push, pull and generate leave %s queues as they are, and do not name them",
    async (state) => {
      const url = await databaseWithQueues(state);
      const before = await queuesIn(url);
      const kit = drizzleKit(generation, url, { schemaFilter: ["public"] });
      const unseen = { exitCode: 0, said: expect.not.stringMatching(/pillion|Job Queue/) };
      expect(kit.run("push")).toMatchObject(unseen);
      expect(await query(url, tablesOfShop)).toEqual([{ columns: "orders.id orders.total" }]);
      const again = kit.run("push");
      expect(again).toMatchObject(unseen);
      expect(again.said).toContain("No changes detected");
      expect(kit.run("pull")).toMatchObject(unseen);
      expect(kit.pulled()).toMatch(/pgTable\("orders"/);
      expect(kit.pulled()).not.toMatch(/pillion|Job Queue|archive|pgEnum|pgView/);
      // What pull has written is the first migration: the model has not changed since.
      expect(kit.run("generate")).toMatchObject(unseen);
      expect(kit.sql()).not.toMatch(/pillion|Job Queue|drop /i);
      expect(await queuesIn(url)).toBe(before);
    },
  );

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

test.each(states)(
  "without schemaFilter drizzle-kit 1.0 sees %s queues, and plans to drop them; 0.31 does not",
  async (state) => {
    const url = await databaseWithQueues(state);
    const before = await queuesIn(url);
    const [older, newer] = generations.map((generation) => drizzleKit(generation, url));
    expect(older!.run("push")).toMatchObject({ exitCode: 0, said: expect.not.stringContaining("pillion") });
    expect(newer!.run("push")).toMatchObject({
      exitCode: 2,
      said: expect.stringContaining("pillion.migration"),
    });
    for (const [kit, sees] of [
      [older!, false],
      [newer!, true],
    ] as const) {
      expect(kit.run("pull")).toMatchObject({ exitCode: 0 });
      expect(kit.pulled().includes('pgSchema("pillion")')).toBe(sees);
    }
    // The command in that folder knows which of them it is.
    for (const [kit, finding] of [
      [older!, expect.not.stringContaining("TOOL_SEES_QUEUE")],
      [newer!, expect.stringContaining('schemaFilter: ["public"]')],
    ] as const)
      expect(await doctorIn(kit.folder, url)).toEqual(finding);
    expect(await queuesIn(url)).toBe(before);
  },
);

test("--print drizzle upgrades from a version", async () => {
  const url = await emptyDatabase();
  await migrate({ database: url, to: 7 });
  const kit = drizzleKit(generations[0], url);
  expect(kit.run("generate", "--custom", "--name=pillion")).toMatchObject({ exitCode: 0 });
  await pillion("migrate", "--print", "drizzle", "--from", "7", "--out", kit.migrations);
  expect(kit.run("migrate")).toMatchObject({ exitCode: 0 });
  expect(await migrate({ database: url })).toMatchObject({ from: currentVersion, applied: [] });
});
