import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { conformance } from "@pillion/conformance";
import { afterAll, describe, expect, inject, test } from "vitest";
import { withBuiltChild } from "./built-child.ts";
import { allHarnesses } from "./harnesses.ts";
import { pages, root } from "./pages.ts";

// Somebody follows CONTRIBUTING.md and adds an ORM: one folder, in a repository that has never heard of it.

const page = pages.find(({ path }) => path === "CONTRIBUTING.md")!;
const shown = page.text.matchAll(/`packages\/postgres\/(\S+)`[\s\S]*?```\w+\n([\s\S]*?)^```$/gm);
const files = new Map([...shown].map(([, path, code]) => [path!, code!]));

const folder = mkdtempSync(join(tmpdir(), "pillion-newcomer-"));
afterAll(() => rmSync(folder, { recursive: true }));
for (const [path, code] of files) {
  const file = join(folder, "packages/postgres", path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, code);
}
// What `pnpm install` would put there.
symlinkSync(join(root, "test/newcomer/node_modules"), join(folder, "packages/postgres/node_modules"));

const harnesses = await allHarnesses(pathToFileURL(`${folder}/packages/`));

test("CONTRIBUTING.md shows the files of an adapter that are compiled and linted here", () => {
  expect([...files.keys()]).toEqual(["package.json", "src/index.ts", "src/testing.ts", "test/harness.ts"]);
  for (const [path, code] of files)
    expect(code).toBe(readFileSync(join(root, "test/newcomer", path), "utf8"));
});

test("a folder made by CONTRIBUTING.md is found by its harness", () => {
  expect(harnesses.map(({ orm }) => orm)).toEqual(["postgres"]);
});

for (const { harness, childArguments } of await Promise.all(harnesses.map(withBuiltChild)))
  conformance(harness, {
    url: inject("databaseUrl"),
    childArguments,
    describe,
    test,
    afterAll,
  });
