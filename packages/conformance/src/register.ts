import type { Harness } from "./harness.ts";
import { harnessName } from "./harness.ts";
import { conformanceRun, type Run, type RunOptions } from "./run.ts";

/** The functions of a test runner: those of Vitest, Jest and node:test fit. */
export interface TestRunner {
  describe(name: string, fn: () => void): unknown;
  test(name: string, fn: () => Promise<void>): unknown;
  /** `afterAll` of Vitest and Jest, `after` of node:test. */
  afterAll(fn: () => Promise<void>): unknown;
}

/**
 * Registers one adapter's cases with a test runner, a `describe` for each suite. Each case opens what it needs;
 * the run's schemas are dropped after the last.
 *
 * @param finished is called with the run before it is closed: its report is complete then
 */
export function conformance(
  harness: Harness,
  { describe, test, afterAll, ...options }: RunOptions & TestRunner,
  finished?: (run: Run) => Promise<void>,
): void {
  const run = conformanceRun(harness, options);
  describe(harnessName(harness), () => {
    for (const suite of new Set(run.cases.map((one) => one.suite)))
      describe(suite, () => {
        for (const one of run.cases) if (one.suite === suite) test(one.name, () => one.run());
      });
    afterAll(async () => {
      try {
        await finished?.(run);
      } finally {
        await run.close();
      }
    });
  });
}
