import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { runNode } from "./src/run-node.ts";

// The adapters' type tests once more: against the declarations that are packed, in the compilers that users have.

const root = fileURLToPath(new URL("../../", import.meta.url));
const require = createRequire(import.meta.url);

for (const [version, typescript] of [
  ["5.4", "typescript-5.4"],
  ["6", "typescript"],
  ["7", "typescript-7"],
] as const)
  for (const exactOptionalPropertyTypes of [true, false])
    test(`in TypeScript ${version}, with ${exactOptionalPropertyTypes ? "exact" : "loose"} optional properties, the packed types accept each ORM's transactions and refuse the rest`, async () => {
      // Where the compiler finds the types of Node, and nobody else looks.
      const folder = mkdtempSync(join(root, "node_modules/.pillion-types-"));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      const up = relative(folder, root);
      const compilerOptions = {
        target: "es2022",
        lib: ["es2023", "dom"],
        module: "nodenext",
        moduleResolution: "nodenext",
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        allowImportingTsExtensions: true,
        exactOptionalPropertyTypes,
        types: ["node"],
        paths: {
          "@pillion/core": [`${up}/packages/core/dist/index.d.mts`],
          "@pillion/core/*": [`${up}/packages/core/dist/*.d.mts`],
          "@pillion/*": [`${up}/packages/*/dist/index.d.mts`],
        },
      };
      const include = [`${up}/packages/*/test/types.test-d.ts`, `${up}/packages/*/example.ts`];
      writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include }));
      const tsc = join(dirname(require.resolve(`${typescript}/package.json`)), "bin/tsc");
      const { exitCode, output } = await runNode(folder, [tsc, "--project", ".", "--listFiles"]);
      expect(exitCode, output.replaceAll(/^\/.*\.ts$\n/gm, "")).toBe(0);
      // It has read what is packed, and not the sources.
      expect(output).toMatch(/packages\/prisma\/dist\/index\.d\.mts/);
      expect(output).not.toMatch(/packages\/\w+\/src\//);
      expect(output.match(/types\.test-d\.ts$/gm)).toHaveLength(6);
    });
