import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { builtProgram } from "@pillion/dev-program";
import { expect, onTestFinished } from "vitest";

const cli = (path: string) => new URL(`../../apps/cli/${path}`, import.meta.url);

/** Runs the command line to its end, and answers what it has printed. */
export async function pillion(...args: string[]): Promise<string> {
  const program = await builtProgram(cli("src/main.ts"), cli("package.json"));
  const { DATABASE_URL: _, ...env } = process.env;
  const done = spawnSync(process.execPath, [program, ...args], { encoding: "utf8", env });
  expect(done).toMatchObject({ status: 0, stderr: "" });
  return done.stdout;
}

/** A folder for the migrations of one test, in which modules find what this package depends on. */
export function ownFolder(): string {
  const parent = mkdtempSync(join(tmpdir(), "pillion-tools-"));
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
  symlinkSync(fileURLToPath(new URL("./node_modules", import.meta.url)), join(parent, "node_modules"));
  const folder = join(parent, "migrations");
  mkdirSync(folder);
  return folder;
}
