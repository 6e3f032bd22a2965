import { defineConfig } from "vitest/config";

// Tests wait for a state, never for a time: the limit only ends one that would wait for ever.
const patience = { testTimeout: 240_000, hookTimeout: 240_000 };

/** The suite itself: what it catches, and how one becomes a part of it. */
const conformanceSuite = ["test/saboteurs.test.ts", "test/newcomer.test.ts"];

export default defineConfig({
  test: {
    globalSetup: ["./test/postgres.ts"],
    reporters: ["default", "./test/reporter.ts"],
    teardownTimeout: 30_000,
    // Tests wait for the database and for processes more than they compute: two files fill two cores.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: "packages",
          // A fresh process for each file would load everything anew.
          isolate: false,
          include: ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.ts"],
          ...patience,
        },
      },
      {
        test: {
          name: "types",
          include: [],
          typecheck: {
            enabled: true,
            only: true,
            include: ["packages/*/test/types.test-d.ts", "test/*.test-d.ts"],
            tsconfig: "./tsconfig.types.json",
          },
        },
      },
      {
        test: {
          name: "conformance",
          include: ["test/conformance.test.ts"],
          maxConcurrency: 4,
          ...patience,
        },
      },
      {
        test: {
          // Projects are begun in the order of their names. These files take long: last, one would run by itself.
          name: "conformance-suite",
          include: conformanceSuite,
          ...patience,
        },
      },
      {
        test: {
          name: "repository",
          include: ["test/*.test.ts", "test/plans/*.test.ts"],
          exclude: ["test/conformance.test.ts", ...conformanceSuite],
          ...patience,
        },
      },
    ],
  },
});
