import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import CliTable from "cli-table3";
import { toSvg } from "./chart.ts";
import { machine } from "./machine.ts";
import { asked, judge, type Outcome, type Table } from "./outcome.ts";
import { type Result, record, recorded } from "./page.ts";

export interface Reporting {
  readonly bench: string;
  /** The command that makes the figures again. */
  readonly command: string;
  /** Whether the run becomes the published one: docs/benchmarks and the page that shows it. */
  readonly write: boolean;
  /** How much of the machine others used before the run, in cores. */
  readonly busyCores: number;
}

/** Prints the tables and the checks, writes the chart, and ends with the one line of JSON that other programs read. */
export async function report(outcome: Outcome, reporting: Reporting): Promise<void> {
  const { bench, command, write, busyCores } = reporting;
  const checks = outcome.checks.map(judge);
  for (const table of outcome.tables) print(table);
  print({
    title: `What was asked of ${bench}`,
    head: ["check", "measured", "asked", ""],
    rows: checks.map((check) => [
      check.name,
      String(check.value),
      asked(check),
      check.ok ? "holds" : "MISSED",
    ]),
  });
  const svg = toSvg(outcome.chart);
  const folder = write ? recorded : new URL("../../dist/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  const file = new URL(`${bench}.svg`, folder);
  writeFileSync(file, svg);
  console.log(`Chart: ${fileURLToPath(file)}`);
  if (write) {
    const { tables, chart, comparisons = [], peers = ["graphile-worker", "pg-boss"] } = outcome;
    const result: Result = {
      bench,
      command,
      machine: await machine(busyCores, peers),
      tables,
      chart: chart.title,
      comparisons,
      checks,
    };
    record(result);
  }
  console.log(JSON.stringify({ bench, checks }));
}

/** Numbers to the right, everything else to the left. */
function print({ title, head, rows }: Table): void {
  const table = new CliTable({
    head: [...head],
    colAligns: head.map((_, column) => (/^[\d.,]+$/.test(rows[0]?.[column] ?? "") ? "right" : "left")),
    style: { head: [], border: [], compact: true },
  });
  table.push(...rows.map((row) => [...row]));
  console.log(`${title}\n${table}\n`);
}
