import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, inject, test } from "vitest";
import { runNode } from "./src/run-node.ts";

const consumer = inject("consumer");
// Somebody else's adapter and its harness, as a project without TypeScript has them.
await build({
  entryPoints: [fileURLToPath(new URL("../newcomer/test/harness.ts", import.meta.url))],
  outfile: join(consumer, "newcomer.mjs"),
  bundle: true,
  packages: "external",
  format: "esm",
});

test.each(["import", "require"])("the suite, loaded by %s, starts its own processes", async (loader) => {
  const { exitCode, output } = await runNode(consumer, ["conformance.mjs", loader, "./newcomer.mjs"], {
    DATABASE_URL: inject("databaseUrl"),
  });
  expect(exitCode, output).toBe(0);
  expect(JSON.parse(output)).toEqual({ passed: expect.any(Number), failed: [] });
  expect(JSON.parse(output).passed).toBeGreaterThan(0);
});
