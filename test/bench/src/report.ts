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

/** Columns padded to their widest cell; numbers to the right. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((cell, column) =>
    Math.max(cell.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) =>
        /^[\d.,]/.test(cell) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join("  ")
      .trimEnd();
  console.log([line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line), ""].join("\n"));
}

function holds({ value, atLeast, atMost }: Check): boolean {
  return (atLeast === undefined || value >= atLeast) && (atMost === undefined || value <= atMost);
}

export function round(value: number): number {
  return Number(value.toPrecision(value >= 1_000 ? 4 : 3));
}
