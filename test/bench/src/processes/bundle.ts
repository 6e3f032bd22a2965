import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** What runs in processes of its own. */
export type Program = (typeof programs)[number];
const programs = ["worker", "producer", "stepper", "enqueuer"] as const;

let built: Promise<unknown> | undefined;

/**
 * The processes that are measured run compiled code, as users of a package do: a loader that compiles while it loads
 * wraps each function, and the peers come compiled.
 */
export async function bundled(program: Program): Promise<string> {
  built ??= build({
    entryPoints: programs.map((name) => fileURLToPath(new URL(`./${name}.ts`, import.meta.url))),
    outdir: fileURLToPath(folder),
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node22",
    external: ["pg", "graphile-worker", "pg-boss", "absurd-sdk"],
  });
  await built;
  return fileURLToPath(new URL(`${program}.mjs`, folder));
}

const folder = new URL("../../dist/", import.meta.url);
