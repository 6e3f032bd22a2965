import { existsSync } from "node:fs";
import resolve from "resolve";
import { describe, expect, inject, test } from "vitest";
import { entryPoints } from "./src/entry-points.ts";
import { runNode } from "./src/run-node.ts";

const consumer = inject("consumer");
const entries = entryPoints(
  consumer,
  inject("tarballs").map(({ name }) => name),
);

test("every entry point that the documentation names is there", () => {
  expect(entries).toEqual(
    expect.arrayContaining(
      ["", "/worker", "/admin", "/migrate", "/adapter", "/testing", "/encryption"].map(
        (path) => `@pillion/core${path}`,
      ),
    ),
  );
  expect(entries).toEqual(
    expect.arrayContaining(
      ["pg", "drizzle", "kysely", "prisma", "typeorm"].map((orm) => `@pillion/${orm}/testing`),
    ),
  );
});

describe.each(entries)("%s", (entry) => {
  test("exports the same names to import and to require", async () => {
    const { byImport, byRequire } = await exported(entry);
    expect(byImport.length).toBeGreaterThan(0);
    expect(byRequire).toEqual(byImport);
  });

  test("is a file where `exports` is not read", () => {
    // `resolve` knows `main` and folders, as resolvers did before Node 12.
    expect(existsSync(resolve.sync(entry, { basedir: consumer }))).toBe(true);
  });
});

// What uses pg cannot promise it: pg itself reads PGHOST and its kind.
test.each(entries.filter((entry) => !/\/(worker|admin|migrate|conformance)$/.test(entry)))(
  "importing %s reads nothing of the environment",
  async (entry) => {
    expect((await exported(entry)).read).toEqual([]);
  },
);

async function exported(entry: string): Promise<{ byImport: string[]; byRequire: string[]; read: string[] }> {
  const { exitCode, output } = await runNode(consumer, ["exported.mjs", entry]);
  expect(exitCode, output).toBe(0);
  return JSON.parse(output);
}
