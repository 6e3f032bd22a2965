import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Machine } from "./machine.ts";
import { asked, type Comparison, type Judged, shown, type Table } from "./outcome.ts";

// Nothing heavy is imported here: a test reads the page without the benches' dependencies.

/** A run that was recorded: what the page shows of a bench. */
export interface Result {
  readonly bench: string;
  readonly command: string;
  readonly machine: Machine;
  readonly tables: readonly Table[];
  /** The chart's title. */
  readonly chart: string;
  readonly comparisons: readonly Comparison[];
  readonly checks: readonly Judged[];
}

/** The folder of results and charts. */
export const recorded = new URL("../../../../docs/benchmarks/", import.meta.url);
const pageFile = new URL("../../../../docs/benchmarks.md", import.meta.url);

/** Keeps a run, and writes the page from all that are kept. */
export function record(result: Result): void {
  mkdirSync(recorded, { recursive: true });
  writeFileSync(new URL(`${result.bench}.json`, recorded), `${JSON.stringify(result, undefined, 2)}\n`);
  writeFileSync(pageFile, written(readFileSync(pageFile, "utf8")));
}

/** The page with each bench's part as its recorded run says, and the parts of others as empty. */
export function written(page: string): string {
  const results = readResults();
  const parts = /(<!-- written: ([\w-]+) -->\n)[\s\S]*?(<!-- end -->)/g;
  return page.replace(parts, (_, begin: string, name: string, end: string) => {
    if (name === "where-a-peer-is-better") return `${begin}\n${worse(results)}\n${end}`;
    const result = results.find(({ bench }) => bench === name);
    return `${begin}\n${result ? partOf(result) : "No run is recorded yet.\n"}\n${end}`;
  });
}

export function readPage(): string {
  return readFileSync(pageFile, "utf8");
}

function readResults(): Result[] {
  if (!existsSync(recorded)) return [];
  return readdirSync(recorded)
    .filter((file) => file.endsWith(".json"))
    .sort()
    .map((file) => JSON.parse(readFileSync(new URL(file, recorded), "utf8")) as Result);
}

function partOf({ bench, command, machine, tables, chart, checks }: Result): string {
  const { date, cpu, cores, memoryGiB, system, busyCores, node, postgres, peers } = machine;
  const versions = Object.entries(peers).map(([name, version]) => `${name} ${version}`);
  return [
    `\`${command}\`, ${date}: ${cores} cores (${cpu}), ${memoryGiB} GiB, ${system}; Node ${node}; Postgres ${postgres}; ${versions.join(", ")}; other programs used ${busyCores} cores before the run.\n`,
    markdown({
      title: "What was asked:",
      head: ["check", "measured", "asked", ""],
      rows: checks.map((check) => [
        check.name,
        shown(check.value),
        asked(check),
        check.ok ? "holds" : "**missed**",
      ]),
    }),
    ...tables.map(markdown),
    `![${chart}](benchmarks/${bench}.svg)\n`,
  ].join("\n");
}

/** Every comparison of every bench in which ours is the lesser figure. */
function worse(results: readonly Result[]): string {
  const comparisons = results.flatMap((result) =>
    result.comparisons.map((comparison) => ({ ...comparison, bench: result.bench })),
  );
  const lost = comparisons.filter(({ ours, theirs, better }) =>
    better === "higher" ? theirs > ours : theirs < ours,
  );
  if (comparisons.length === 0) return "No run with peers is recorded yet.\n";
  if (lost.length === 0) return "In none of the figures that were recorded.\n";
  return markdown({
    title: "",
    head: ["bench", "figure", "unit", "Pillion", "peer", "its figure"],
    rows: lost.map(({ bench, what, unit, ours, peer, theirs }) => [
      bench,
      what,
      unit,
      shown(ours),
      peer,
      shown(theirs),
    ]),
  });
}

function markdown({ title, head, rows }: Table): string {
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |\n`);
  return `${title === "" ? "" : `${title}\n\n`}${lines.join("")}`;
}
