import { copyFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, inject, test } from "vitest";
import { runNode } from "./src/run-node.ts";

interface Settings {
  readonly module: string;
  readonly moduleResolution: string;
  readonly exactOptionalPropertyTypes?: boolean;
}

const folder = join(inject("consumer"), "types");
const require = createRequire(import.meta.url);
// The same text as an ES module and as CommonJS, which `nodenext` tells apart.
for (const extension of ["mts", "cts"])
  copyFileSync(join(folder, "consumer.ts"), join(folder, `consumer.${extension}`));

const nodenext = { module: "nodenext", moduleResolution: "nodenext" };
const bundler = { module: "esnext", moduleResolution: "bundler" };
const node10 = { module: "commonjs", moduleResolution: "node10" };
const exact = { exactOptionalPropertyTypes: true };

describe.concurrent.for([
  ["5.4", "typescript-5.4", [nodenext, { ...nodenext, ...exact }, bundler, node10]],
  ["6", "typescript", [nodenext, { ...nodenext, ...exact }, bundler]],
  ["7", "typescript-7", [nodenext, { ...nodenext, ...exact }, bundler]],
] as const)("TypeScript %s", ([, typescript, all]) => {
  test.for(all)("accepts the declarations, and what users write, under %o", async (settings, { expect }) => {
    expect(await errors(typescript, settings)).toEqual([]);
  });
});

/** What the compiler says of our declarations and of the consumer; those of other packages are theirs to mend. */
async function errors(typescript: string, settings: Settings): Promise<string[]> {
  const name = `tsconfig.${typescript}.${Object.values(settings).join(".")}.json`;
  const compilerOptions = {
    target: "es2022",
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    types: ["node"],
    ...settings,
  };
  const files = settings.module === "nodenext" ? ["consumer.mts", "consumer.cts"] : ["consumer.ts"];
  writeFileSync(join(folder, name), JSON.stringify({ compilerOptions, files }));
  const tsc = join(dirname(require.resolve(`${typescript}/package.json`)), "bin/tsc");
  const { output } = await runNode(folder, [tsc, "--project", name]);
  return output.split("\n").filter((line) => !/^($| |\.\.\/node_modules\/(?!@pillion\/))/.test(line));
}
