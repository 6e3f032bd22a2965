import type { Context } from "./context.ts";
import type { Harness } from "./harness.ts";

/** What an ORM may or may not be able to do. A case that needs what is missing is reported, not run. */
export type Capability =
  | "savepoints"
  | "explicit rollback"
  | "own timeout"
  | "array form"
  | "surviving a lost connection";

/** One guarantee, as cases. A case's name is a sentence that says what holds. */
export interface Suite {
  readonly name: string;
  cases(harness: Harness): readonly Case[];
}

export interface Case {
  readonly name: string;
  readonly needs?: Capability;
  /**
   * Whether its transactions are serializable: two that run at the same time in the same tables may be refused with
   * 40001, whatever they do there, so such cases of a run take turns.
   */
  readonly serializable?: boolean;
  run(context: Context): Promise<void>;
}

export function can(harness: Harness, capability: Capability): boolean {
  switch (capability) {
    case "savepoints":
      return harness.savepoint !== undefined;
    case "explicit rollback":
      return harness.rollback !== undefined;
    case "own timeout":
      return harness.traits.ownTimeout;
    case "array form":
      return harness.array !== undefined;
    case "surviving a lost connection":
      return harness.traits.lostConnection === "rejects";
  }
}
