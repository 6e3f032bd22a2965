import type { DeadGroup as Group } from "@pillion/core/admin";
import type { ErrorView } from "./jobs.ts";
import type { Wire } from "./wire.ts";

export interface DeadQuery {
  readonly queue?: string | undefined;
  readonly name?: string | undefined;
}
export interface DeadAnswer {
  /** Those with the most jobs first; at most 200. */
  readonly groups: readonly DeadGroup[];
  /** How many dead jobs were looked at: the newest, 10,000 at most. */
  readonly looked: number;
  readonly more: boolean;
}

/** Its `key` is for `redrive`; its `ids` are some of them, at most 5. */
export interface DeadGroup extends Wire<Omit<Group, "error">> {
  /** Of the newest one, with its stack. */
  readonly error: ErrorView;
}
