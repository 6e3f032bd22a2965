import { cpSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { scratchDatabase } from "@pillion/dev-postgres";
import { beforeAll, expect, inject, onTestFinished, test } from "vitest";
import { type RunResult, runNode } from "./src/run-node.ts";

// Whole applications, CommonJS, as `nest build` and Jest see them: Nest and the ORMs are the lock file's, Pillion the tarballs'.

const source = fileURLToPath(new URL("../nest", import.meta.url));
const folder = join(inject("consumer"), "nest");
const require = createRequire(import.meta.url);
const program = (name: string, path: string) => join(dirname(require.resolve(`${name}/package.json`)), path);

let compiled: RunResult;

beforeAll(async () => {
  cpSync(source, folder, { recursive: true, filter: (path) => basename(path) !== "node_modules" });
  symlinkSync(join(source, "node_modules"), join(folder, "node_modules"), "junction");
  compiled = await runNode(folder, [program("typescript", "bin/tsc"), "--project", "."]);
});

test("applications whose services take an ambient transaction compile against the packed types", () => {
  expect(compiled.exitCode, compiled.output).toBe(0);
});

test.each(["typeorm-transactional", "nestjs-cls"])(
  "a Nest application with %s commits its services' jobs with their rows, rolls them back, and refuses them outside",
  async (library) => {
    const database = await scratchDatabase(inject("databaseUrl"), "nest");
    onTestFinished(() => database.drop());
    const { exitCode, output } = await runNode(
      folder,
      [program("jest", "bin/jest.js"), "--rootDir", join(folder, "built", library)],
      { DATABASE_URL: database.url, NO_COLOR: "1" },
    );
    expect(exitCode, output).toBe(0);
    expect(output).toMatch(/Tests: +4 passed, 4 total/);
  },
);
