import type { Refusal } from "./answers.ts";
import { now } from "./clock.ts";
import { storeOf } from "./store.ts";

/** Whether the page is live, and since when it is not. */
export const connection = storeOf<{
  readonly heardAt: number | null;
  /** Why nothing is heard: the database, the server, or the right to look is gone. */
  readonly lost: Refusal | null;
}>({ heardAt: null, lost: null });

/** What concerns the whole page, not one question alone. */
const everywhere: readonly Refusal["code"][] = [
  "UNREACHABLE",
  "DATABASE_AWAY",
  "UNAUTHORIZED",
  "SCHEMA_OUTDATED",
];

export function report(refusal: Refusal | undefined): void {
  if (refusal === undefined) connection.set({ heardAt: now(), lost: null });
  else if (everywhere.includes(refusal.code)) connection.set({ ...connection.get(), lost: refusal });
}
