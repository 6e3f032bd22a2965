import { AssertionError } from "node:assert";
import { conformanceRun } from "@pillion/conformance";
import { describe, expect, inject, test, vi } from "vitest";
import { harnesses as foreign } from "../packages/kysely/test/harness.ts";
import { withBuiltChild } from "./built-child.ts";
import { saboteurs } from "./saboteurs/index.ts";
import type { Saboteur } from "./saboteurs/saboteur.ts";

interface Failure {
  readonly suite: string;
  readonly error: unknown;
}

/** Runs the cases of the suites that are to catch this adapter, a few at a time. */
async function failuresOf({ patienceMs, caughtBy, also, ...saboteur }: Saboteur): Promise<Failure[]> {
  const { harness, childArguments } = await withBuiltChild(saboteur.harness);
  const run = conformanceRun(harness, {
    url: inject("databaseUrl"),
    others: foreign.slice(-1),
    childArguments,
    patienceMs,
  });
  const failures: Failure[] = [];
  const cases = run.cases.filter(({ suite }) => [caughtBy, ...also].includes(suite)).values();
  const lane = async () => {
    for (const { suite, run } of cases) await run().catch((error) => failures.push({ suite, error }));
  };
  await Promise.all(Array.from({ length: 6 }, lane)).finally(() => run.close());
  return failures;
}

// Where cases fail, they wait for what does not come: others can run meanwhile, as far as the server has connections.
vi.setConfig({ maxConcurrency: 3 });
describe.concurrent("the conformance suite catches an adapter that", { timeout: 180_000 }, () => {
  for (const saboteur of saboteurs)
    test(`${saboteur.name}: ${saboteur.caughtBy}`, async () => {
      const failures = await failuresOf(saboteur);
      const named = failures.filter(({ suite }) => suite === saboteur.caughtBy);
      for (const { error } of named) expect(error).toBeInstanceOf(AssertionError);
      const said = named.map(({ error }) => (error as Error).message);
      expect(said).toContainEqual(expect.stringMatching(saboteur.saying));
      const suites = new Set(failures.map(({ suite }) => suite));
      expect([...suites].sort()).toEqual([saboteur.caughtBy, ...saboteur.also].sort());
    });
});

test("every suite that pg has cases for catches a saboteur", () => {
  const run = conformanceRun(saboteurs[0]!.harness, {
    url: inject("databaseUrl"),
    others: foreign.slice(-1),
  });
  const caught = new Set(saboteurs.flatMap(({ caughtBy, also }) => [caughtBy, ...also]));
  expect([...caught].sort()).toEqual([...new Set(run.cases.map(({ suite }) => suite))].sort());
});
