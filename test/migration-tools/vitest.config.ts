import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ["*.test.ts"],
    globalSetup: ["../postgres.ts"],
    reporters: ["default", "../reporter.ts"],
    maxWorkers: 2,
    // Programs that compile what they run: on a busy machine each takes its time.
    testTimeout: 180_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
  },
});
