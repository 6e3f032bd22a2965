import { spawnSync } from "node:child_process";
import { builtProgram } from "@pillion/dev-program";
import { expect } from "vitest";

const cli = (path: string) => new URL(`../../apps/cli/${path}`, import.meta.url);

/** Runs the command line to its end, and answers what it has printed. */
export async function pillion(...args: string[]): Promise<string> {
  const program = await builtProgram(cli("src/main.ts"), cli("package.json"));
  const { DATABASE_URL: _, ...env } = process.env;
  const done = spawnSync(process.execPath, [program, ...args], { encoding: "utf8", env });
  expect(done).toMatchObject({ status: 0, stderr: "" });
  return done.stdout;
}
