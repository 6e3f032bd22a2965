import { copyFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { runNode } from "./src/run-node.ts";

const folder = join(inject("consumer"), "types");
const require = createRequire(import.meta.url);
// The same text as an ES module and as CommonJS, which `nodenext` tells apart.
for (const extension of ["mts", "cts"])
  copyFileSync(join(folder, "consumer.ts"), join(folder, `consumer.${extension}`));

const nodenext = { module: "nodenext", moduleResolution: "nodenext" };
const bundler = { module: "esnext", moduleResolution: "bundler" };
const node10 = { module: "commonjs", moduleResolution: "node10" };

describe.for([
  // Later compilers do without node10, or give notice to it.
  { typescript: "typescript-5.4", resolutions: [nodenext, bundler, node10] },
  { typescript: "typescript", resolutions: [nodenext, bundler] },
  { typescript: "typescript-7", resolutions: [nodenext, bundler] },
])("$typescript", ({ typescript, resolutions }) => {
  test.for(resolutions)("accepts what users write, under $moduleResolution", async (resolution) => {
    const project = {
      compilerOptions: {
        ...{ target: "es2022", lib: ["es2022"], types: ["node"], strict: true, noEmit: true },
        ...resolution,
        skipLibCheck: false,
      },
      files: resolution === nodenext ? ["consumer.mts", "consumer.cts"] : ["consumer.ts"],
    };
    const file = join(folder, `tsconfig.${typescript}.${resolution.moduleResolution}.json`);
    writeFileSync(file, JSON.stringify(project));
    const tsc = join(dirname(require.resolve(`${typescript}/package.json`)), "bin/tsc");
    const { output } = await runNode(folder, [tsc, "--project", file]);
    // What other packages declare is theirs to mend; a line that is indented goes on with the one before.
    const theirs = /^($| |\.\.\/node_modules\/(?!@pillion\/))/;
    expect(output.split("\n").filter((line) => !theirs.test(line))).toEqual([]);
  });
});
