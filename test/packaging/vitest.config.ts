import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ["*.test.ts"],
    globalSetup: ["../postgres.ts", "./src/set-up.ts"],
    reporters: ["default", "../reporter.ts"],
    maxWorkers: "100%",
    // Compilers and test runners are started here, and CI machines are slow.
    testTimeout: 180_000,
    hookTimeout: 300_000,
  },
});
