import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
let built: Promise<string> | undefined;

/** The program as users have it, in one file: a loader that compiles would take most of each test's time. */
async function bundled(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "pillion-cli-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  cpSync(file("../package.json"), join(folder, "package.json"));
  const outfile = join(folder, "dist/main.mjs");
  await build({
    entryPoints: [file("../src/main.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    external: ["pg-native"],
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
  return outfile;
}

/** Starts the program as a shell would; DATABASE_URL is what `env` says and nothing else. */
export async function start(args: readonly string[], env: Readonly<Record<string, string>> = {}, stdin = "") {
  built ??= bundled();
  const main = await built;
  const { DATABASE_URL: _, FORCE_COLOR: __, ...inherited } = process.env;
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...inherited, ...env },
  });
  // One that has ended reads no more.
  child.stdin.on("error", () => {});
  child.stdin.end(stdin);
  const said = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream].setEncoding("utf8").on("data", (text) => {
      said[stream] += text;
    });
  const closed = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, said, ended: closed.then((exitCode) => ({ exitCode, ...said })) };
}

/** Runs the program to its end. */
export async function pillion(
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
  stdin?: string,
) {
  return (await start(args, env, stdin)).ended;
}
