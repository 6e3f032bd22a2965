import Table from "cli-table3";
import type { Audit } from "./audit.ts";
import type { Tally } from "./place-order.ts";

/** One column of the table: a shop, what it did, and what the database holds of it. */
export interface Result {
  readonly shop: string;
  readonly tally: Tally;
  readonly audit: Audit;
}

const rows: [label: string, value: (result: Result) => number, mustBeZero?: true][] = [
  ["Orders committed", ({ audit }) => audit.committed],
  ["Orders rolled back", ({ tally, audit }) => tally.tried - audit.committed],
  ["Late enqueues refused by the database", ({ tally }) => tally.refusedByDatabase],
  ["Late enqueues refused before any SQL", ({ tally }) => tally.refusedEarlier],
  ["Handlers started", ({ audit }) => audit.started],
  ["Handlers started twice (the kill hit)", ({ audit }) => audit.startedTwice],
  ["Jobs without an order (must be 0)", ({ audit }) => audit.jobsWithoutOrder, true],
  ["Orders without an invoice (must be 0)", ({ audit }) => audit.ordersWithoutInvoice, true],
  ["Invoices written twice (must be 0)", ({ audit }) => audit.invoicedTwice, true],
];

/** The demo's table, as text. */
export function tableOf(results: readonly Result[]): string {
  const table = new Table({
    head: ["", ...results.map(({ shop }) => shop)],
    colAligns: ["left", ...results.map(() => "right" as const)],
    style: { head: [], border: [], compact: true },
  });
  for (const [label, value, mustBeZero] of rows)
    table.push([
      label,
      ...results.map((result) => (mustBeZero && value(result) !== 0 ? `${value(result)} !` : value(result))),
    ]);
  return table.toString();
}

/** Whether every number that must be 0 is 0. */
export function holds(results: readonly Result[]): boolean {
  return results.every((result) => rows.every(([, value, mustBeZero]) => !mustBeZero || value(result) === 0));
}
