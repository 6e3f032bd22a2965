import { stripVTControlCharacters } from "node:util";
import { getBorderCharacters, table } from "table";
import { styled } from "./text.ts";

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly right?: boolean;
}

/** Columns without lines between them, under their titles. */
export function tableOf<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const text = table(
    [
      columns.map(({ title }) => styled("bold", title)),
      ...rows.map((row) => columns.map(({ cell }) => cell(row))),
    ],
    {
      border: getBorderCharacters("void"),
      columnDefault: { paddingLeft: 0, paddingRight: 2 },
      columns: columns.map(({ right }) => ({ alignment: right ? "right" : "left" })),
      drawHorizontalLine: () => false,
    },
  );
  return text
    .split("\n")
    .map((row) => (stripVTControlCharacters(row) === row ? row.trimEnd() : row.replace(/ +$/, "")))
    .join("\n")
    .trimEnd();
}

/** What is known of one thing, a line each. */
export function listOf(entries: readonly (readonly [title: string, value: string | undefined])[]): string {
  const given = entries.filter((entry): entry is [string, string] => entry[1] !== undefined);
  const width = Math.max(...given.map(([title]) => title.length));
  return given.map(([title, value]) => `${styled("bold", title.padEnd(width))}  ${value}`).join("\n");
}
