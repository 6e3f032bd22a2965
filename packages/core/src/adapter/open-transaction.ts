import { NotInTransactionError } from "../errors.ts";
import { type Ambient, isAmbient, resolved } from "./ambient.ts";
import type { AdapterDefinition } from "./definition.ts";
import { describe, isTransaction } from "./questions.ts";

/** `of` says what the verb was called for. */
export type OpenTransaction<Tx extends object> = (
  verb: string,
  given: Tx | Ambient<Tx>,
  of: string,
  jobName?: string | undefined,
) => Tx;

/**
 * Finds the open transaction that a verb was given, itself or by an ambient one, which is asked once.
 *
 * @throws NotInTransactionError where there is none
 */
export function openTransactionOf<Tx extends object, Client extends object>(
  definition: AdapterDefinition<Tx, Client>,
): OpenTransaction<Tx> {
  return (verb, given, of, jobName) => {
    const refuse = (what: string, cause?: { readonly cause: unknown }): never => {
      throw new NotInTransactionError(
        `${definition.name} ${verb}${of}: ${what}. Nothing was sent to the database.`,
        jobName,
        cause,
      );
    };
    if (!isAmbient(given))
      return isTransaction(definition, given)
        ? given
        : refuse(`got ${describe(definition, given)}. Pass ${definition.expects}`);

    const outside = (how: string, cause?: { readonly cause: unknown }) =>
      refuse(
        `called outside a transaction: the function given to ambient ${how}. Call it inside one, where that ` +
          `function answers ${definition.expects}`,
        cause,
      );
    let handle: unknown;
    try {
      handle = resolved(given);
    } catch (cause) {
      return outside(`threw "${messageOf(cause)}"`, { cause });
    }
    return isTransaction(definition, handle) ? handle : outside(`answered ${describe(definition, handle)}`);
  };
}

function messageOf(error: unknown): string {
  return String(error instanceof Error ? error.message : error).slice(0, 200);
}
