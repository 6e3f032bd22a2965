import Table from "cli-table3";

/** One bar: what was measured beside what was asked. */
export interface Check {
  readonly name: string;
  readonly value: number;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** Prints the checks as a table, and then as the one line of JSON that other programs read. */
export function report(bench: string, checks: readonly Check[]): void {
  const judged = checks.map((check) => ({ ...check, value: round(check.value), ok: holds(check) }));
  printTable(
    ["check", "measured", "asked", ""],
    judged.map(({ name, value, atLeast, atMost, ok }) => [
      name,
      String(value),
      atLeast === undefined ? `<= ${atMost}` : `>= ${atLeast}`,
      ok ? "holds" : "MISSED",
    ]),
  );
  console.log(JSON.stringify({ bench, checks: judged }));
}

/** Numbers to the right, everything else to the left. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const table = new Table({
    head: [...head],
    colAligns: head.map((_, column) => (/^[\d.]/.test(rows[0]?.[column] ?? "") ? "right" : "left")),
    style: { head: [], border: [], compact: true },
  });
  table.push(...rows.map((row) => [...row]));
  console.log(`${table}\n`);
}

function holds({ value, atLeast, atMost }: Check): boolean {
  return (atLeast === undefined || value >= atLeast) && (atMost === undefined || value <= atMost);
}

export function round(value: number): number {
  return Number(value.toPrecision(value >= 1_000 ? 4 : 3));
}
