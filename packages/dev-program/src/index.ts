export { builtModules } from "./built-modules.ts";

import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const programs = new Map<string, Promise<string>>();

/**
 * The program as one file that Node runs as it is, built once for whoever asks in this process; its folder goes with the
 * process. A loader that compiles would do so at each start, and take most of a short test's time.
 *
 * @param source the program, in TypeScript
 * @param manifest a package.json that it shall find in its parent folder, as it does where it is published
 */
export function builtProgram(source: URL, manifest?: URL): Promise<string> {
  const built = programs.get(source.href) ?? buildProgram(source, manifest);
  programs.set(source.href, built);
  return built;
}

async function buildProgram(source: URL, manifest: URL | undefined): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "pillion-program-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  if (manifest) copyFileSync(manifest, join(folder, "package.json"));
  const path = fileURLToPath(source);
  const outfile = join(folder, "dist", `${basename(path, ".ts")}.mjs`);
  await build({
    entryPoints: [path],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    external: ["pg-native"],
    // What comes as CommonJS asks for its modules by `require`.
    banner: {
      js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
    },
  });
  return outfile;
}
