import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { scratchSchema } from "@pillion/dev-postgres";
import { expect, inject, onTestFinished, test } from "vitest";
import { type RunResult, runNode } from "./src/run-node.ts";

const consumer = inject("consumer");
const require = createRequire(import.meta.url);
const done = { ran: [{ orderId: 7 }], failed: 0, state: "completed" };

for (const [loader, file] of [
  ["import", "first-job.mjs"],
  ["require", "first-job-required.cjs"],
] as const)
  test(`a first job runs where the packages are loaded by ${loader}`, async () => {
    const { exitCode, output } = await run([file]);
    expect(exitCode, output).toBe(0);
    expect(JSON.parse(output)).toEqual(done);
  });

test("a first job runs under Jest", async () => {
  const jest = join(dirname(require.resolve("jest/package.json")), "bin/jest.js");
  const { exitCode, output } = await run([jest, "--rootDir", join(consumer, "jest")]);
  expect(exitCode, output).toBe(0);
  expect(output).toMatch(/Tests: +1 passed, 1 total/);
});

test("a first job runs under Vitest", async () => {
  const vitest = join(dirname(require.resolve("vitest/package.json")), "vitest.mjs");
  const { exitCode, output } = await run([vitest, "run", "--globals", "--root", join(consumer, "vitest")]);
  expect(exitCode, output).toBe(0);
  expect(output).toMatch(/Tests +1 passed \(1\)/);
});

/** Runs a program in the consumer's folder; it finds a database of its own at PLACE. */
async function run(args: readonly string[]): Promise<RunResult> {
  const url = inject("databaseUrl");
  const schema = await scratchSchema(url, "packaging");
  onTestFinished(() => schema.drop());
  return runNode(consumer, args, { PLACE: JSON.stringify({ url, schema: schema.name }), NO_COLOR: "1" });
}
