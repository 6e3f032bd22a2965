import type { ComponentChildren } from "preact";
import type { ActionName, Actions } from "../../../src/api.ts";
import { storeOf } from "../store.ts";

/** An action before it is done: what it is called, what it will do, what to say when it has. */
export interface Plan<Name extends ActionName = ActionName> {
  readonly action: Name;
  readonly body: Actions[Name]["takes"];
  /** The verb on its button: `Redrive`. */
  readonly verb: string;
  /** What it acts on: `queue "mail"`. */
  readonly title: string;
  /** What will happen, `count` being how many jobs it would change now, where it can be asked. */
  readonly will: (count: string) => ComponentChildren;
  /** Asks first how many jobs it would change. */
  readonly counted?: boolean | undefined;
  /** It cannot be taken back. */
  readonly final?: boolean | undefined;
  /** Asks for a time besides. */
  readonly time?: boolean | undefined;
  readonly did: (answer: Actions[Name]["answers"]) => string;
  readonly page?:
    | ((answer: Actions[Name]["answers"]) => { to: string; text: string } | undefined)
    | undefined;
  /** Called when it is done. */
  readonly done?: (() => void) | undefined;
}

/** The one that is proposed. */
export const proposed = storeOf<Plan | undefined>(undefined);

/** Opens the confirmation: nothing is done before somebody says so. */
export function propose<Name extends ActionName>(plan: Plan<Name>): void {
  proposed.set(plan as unknown as Plan);
}
