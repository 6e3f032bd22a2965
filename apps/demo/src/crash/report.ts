import Table from "cli-table3";
import type { Cell } from "./audit.ts";
import { type Moment, moments } from "./renewal.ts";

/** What a place of the table says, and whether it is as it must be. */
interface Verdict {
  readonly text: string;
  readonly holds: boolean;
}

function judge(cell: Cell | undefined): Verdict {
  if (!cell) return { text: "the job has not ended !", holds: false };
  const { moment, attempt, state, completedBy, writtenBy } = cell;
  const once = writtenBy.length === 1 && state === "completed";
  const together = writtenBy.every((xid) => xid === completedBy);
  // Else the kill came at another moment, and the place proves nothing.
  const hit = moment === "right after COMMIT" ? attempt === 1 : attempt > 1;
  const mark = (holds: boolean) => (holds ? "" : " !");
  return {
    text: [
      `${writtenBy.length} ${writtenBy.length === 1 ? "order" : "orders"}, xid ${writtenBy.join(", ") || "none"}${mark(together)}`,
      `${state}, xid ${completedBy}${mark(once)}`,
      `attempt ${attempt}${mark(hit)}`,
    ].join("\n"),
    holds: once && together && hit,
  };
}

const find = (cells: readonly Cell[], shop: string, moment: Moment) =>
  cells.find((cell) => cell.shop === shop && cell.moment === moment);

/** ORM by moment, as text. */
export function tableOf(shops: readonly string[], cells: readonly Cell[]): string {
  const table = new Table({
    head: ["killed …", ...moments.map((moment) => moment.replace(" and", "\nand"))],
    style: { head: [], border: [] },
  });
  for (const shop of shops)
    table.push([shop, ...moments.map((moment) => judge(find(cells, shop, moment)).text)]);
  return table.toString();
}

/** Whether each order exists once, written by the transaction that completed its job. */
export function holds(shops: readonly string[], cells: readonly Cell[]): boolean {
  return shops.every((shop) => moments.every((moment) => judge(find(cells, shop, moment)).holds));
}
