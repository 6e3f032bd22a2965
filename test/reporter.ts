import type { Reporter, TestCase, TestModule, TestRunEndReason } from "vitest/node";

/**
 * Ends a run's output with `N passed, N failed, N skipped` on a line of its own, after a line `failed: …` for each
 * test that failed, so that the end of a long log says which. A file that cannot be loaded, a hook that throws and an
 * unhandled error each count as one that failed, and so does a run that found no test.
 */
export default class Counts implements Reporter {
  onTestRunEnd(
    modules: readonly TestModule[],
    unhandledErrors: readonly unknown[],
    reason: TestRunEndReason,
  ): void {
    const failures: string[] = [];
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      count.failed += module.errors().length;
      for (const suite of module.children.allSuites()) count.failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        count[test.result().state] += 1;
        if (test.result().state === "failed") failures.push(failureOf(module, test));
      }
    }
    const failed = count.failed + count.pending || (reason === "failed" ? 1 : 0);
    const line = `${count.passed} passed, ${failed} failed, ${count.skipped} skipped`;
    // Other reporters and the teardown print until the process ends.
    process.once("exit", () => process.stdout.write(`${[...failures, line].join("\n")}\n`));
  }
}

function failureOf(module: TestModule, test: TestCase): string {
  const message = test.result().errors?.[0]?.message ?? "it says nothing";
  return `failed: ${module.relativeModuleId}: ${test.fullName}: ${message.replaceAll(/\s+/g, " ").slice(0, 500)}`;
}
