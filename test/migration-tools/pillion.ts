import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Runs the command line to its end, and answers what it has printed. */
export function pillion(...args: string[]): string {
  const { DATABASE_URL: _, ...env } = process.env;
  const command = ["--import", "tsx", file("../../apps/cli/src/main.ts"), ...args];
  const done = spawnSync(process.execPath, command, { encoding: "utf8", env, cwd: file("../../") });
  expect(done).toMatchObject({ status: 0, stderr: "" });
  return done.stdout;
}

/** A folder for the migrations of one test, in which modules find what this package depends on. */
export function ownFolder(): string {
  const parent = mkdtempSync(join(tmpdir(), "pillion-tools-"));
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
  symlinkSync(file("./node_modules"), join(parent, "node_modules"));
  const folder = join(parent, "migrations");
  mkdirSync(folder);
  return folder;
}
