import type { DeadGroups, DeadGroup as Group } from "@pillion/core/admin";
import type { ErrorView } from "./jobs.ts";
import type { Wire } from "./wire.ts";

export interface DeadQuery {
  readonly queue?: string | undefined;
  readonly name?: string | undefined;
}
export interface DeadAnswer extends Omit<DeadGroups, "groups"> {
  /** Those with the most jobs first; at most 200. */
  readonly groups: readonly DeadGroup[];
}

/** Its `key` is for `redrive`; its `ids` are some of them, at most 5. */
export interface DeadGroup extends Wire<Omit<Group, "error">> {
  /** Of the newest one, with its stack. */
  readonly error: ErrorView;
}
