import { readFileSync, writeFileSync } from "node:fs";
import type { Report } from "@pillion/conformance";

/** What one harness did on each major of Postgres. */
interface MatrixRow {
  readonly orm: string;
  readonly version: string;
  readonly driver: string;
  readonly form: string | null;
  /** By major: cases passed, and cases that ran. */
  readonly postgres: Readonly<Record<string, { readonly passed: number; readonly cases: number }>>;
  /** What this ORM does not offer, so that there is nothing to ask. */
  readonly missing: readonly string[];
}

/** The last recorded run: what the README's table is written from. */
export interface Results {
  readonly postgres: readonly string[];
  readonly rows: readonly MatrixRow[];
}

const resultsFile = new URL("../results.json", import.meta.url);
const readmeFile = new URL("../../../README.md", import.meta.url);
const [begin, end] = ["<!-- npm run test:matrix writes from here -->", "<!-- to here -->"];

/** Puts the reports of several servers side by side. */
export function merge(reports: readonly Report[]): Results {
  const rows = new Map<string, MatrixRow & { postgres: Record<string, { passed: number; cases: number }> }>();
  for (const { harness, orm, version, driver, form = null, postgres, passed, failed, missing } of reports) {
    const row = rows.get(harness) ?? {
      ...{ orm, version, driver, form },
      postgres: {},
      missing: missing.map(({ capability }) => capability).sort(),
    };
    row.postgres[postgres.split(".")[0]!] = { passed, cases: passed + failed.length };
    rows.set(harness, row);
  }
  return {
    postgres: [...new Set(reports.map(({ postgres }) => postgres))].sort(),
    rows: [...rows.values()].sort((a, b) => keyOf(a).localeCompare(keyOf(b))),
  };
}

export function readResults(): Results {
  return JSON.parse(readFileSync(resultsFile, "utf8"));
}

export function sameResults(a: Results, b: Results): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Records a run, and writes the README's table from it. */
export function writeResults(results: Results): void {
  writeFileSync(resultsFile, `${JSON.stringify(results, undefined, 2)}\n`);
  const [before, , after] = readmeParts();
  writeFileSync(readmeFile, `${before}${begin}\n${tableOf(results)}${end}${after}`);
}

/** The table that the README shows now. */
export function readmeTable(): string {
  return readmeParts()[1];
}

/** A row for each ORM, version and driver; a cell says how many cases passed there. */
export function tableOf({ postgres, rows }: Results): string {
  const majors = postgres.map((version) => version.split(".")[0]!);
  const header = ["ORM", "version", "driver", ...majors.map((major) => `Postgres ${major}`), "it has no"];
  const lines = rows.map(({ orm, version, driver, form, postgres: by, missing }) => [
    form === null ? orm : `${orm}, ${form}`,
    version,
    driver,
    ...majors.map((major) => cell(by[major])),
    missing.join(", "),
  ]);
  return [header, header.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

function cell(result: { passed: number; cases: number } | undefined): string {
  if (!result) return "not run";
  return result.passed === result.cases ? `${result.passed}` : `**${result.passed} of ${result.cases}**`;
}

function keyOf({ orm, version, driver, form }: MatrixRow): string {
  return [orm, version, driver, form ?? ""].join(" ");
}

function readmeParts(): [before: string, table: string, after: string] {
  const text = readFileSync(readmeFile, "utf8");
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`README.md lacks the lines ${begin} and ${end}`);
  return [text.slice(0, from), text.slice(from + begin.length + 1, to), text.slice(to + end.length)];
}
