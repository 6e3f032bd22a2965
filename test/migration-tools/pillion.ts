import { spawnSync } from "node:child_process";
import { builtProgram } from "@pillion/dev-program";
import { expect } from "vitest";

const cli = (path: string) => new URL(`../../apps/cli/${path}`, import.meta.url);

/** Runs the command line to its end, and answers what it has printed. */
export async function pillion(...args: string[]): Promise<string> {
  const done = await run(args);
  expect(done).toMatchObject({ status: 0, stderr: "" });
  return done.stdout;
}

/** What the doctor says in an application's folder. */
export async function doctorIn(folder: string, url: string): Promise<string> {
  return (await run(["doctor", "--database", url], folder)).stdout;
}

async function run(args: readonly string[], cwd?: string) {
  const program = await builtProgram(cli("src/main.ts"), cli("package.json"));
  const { DATABASE_URL: _, ...env } = process.env;
  return spawnSync(process.execPath, [program, ...args], { encoding: "utf8", env, cwd });
}
