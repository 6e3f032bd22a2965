import type { Reporter, TestModule, TestRunEndReason } from "vitest/node";

/**
 * Ends a run's output with `N passed, N failed, N skipped` on a line of its own, after a line `failed: …` for each
 * that failed, so that the end of a long log says which: a test, a file that cannot be loaded, a hook that throws, or
 * an error that nobody handled. A run that found no test has failed too.
 */
export default class Counts implements Reporter {
  onTestRunEnd(
    modules: readonly TestModule[],
    unhandledErrors: readonly unknown[],
    reason: TestRunEndReason,
  ): void {
    const failures: string[] = [];
    const failed = (what: string, error: unknown) => failures.push(`failed: ${what}: ${messageOf(error)}`);
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const module of modules) {
      const file = module.relativeModuleId;
      for (const error of module.errors()) failed(file, error);
      for (const suite of module.children.allSuites())
        for (const error of suite.errors()) failed(`${file}: ${suite.fullName}`, error);
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result();
        count[state] += 1;
        if (state === "failed") failed(`${file}: ${test.fullName}`, errors[0]);
      }
    }
    for (const error of unhandledErrors) failed("an error that nobody handled", error);
    const sum = failures.length + count.pending || (reason === "failed" ? 1 : 0);
    const line = `${count.passed} passed, ${sum} failed, ${count.skipped} skipped`;
    // Other reporters and the teardown print until the process ends.
    process.once("exit", () => process.stdout.write(`${[...failures, line].join("\n")}\n`));
  }
}

function messageOf(error: unknown): string {
  const said = (error as { message?: string } | undefined)?.message ?? "it says nothing";
  return said.replaceAll(/\s+/g, " ").slice(0, 500);
}
