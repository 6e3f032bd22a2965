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
  const refusal = (
    [verb, of, jobName]: readonly [verb: string, of: string, jobName: string | undefined],
    what: string,
    cause?: { readonly cause: unknown },
  ) =>
    new NotInTransactionError(
      `${definition.name} ${verb}${of}: ${what}. Nothing was sent to the database.`,
      jobName,
      cause,
    );
  const outside = (how: string) =>
    `called outside a transaction: the function given to ambient ${how}. Call it inside one, where that ` +
    `function answers ${definition.expects}`;

  return (verb, given, of, jobName) => {
    if (!isAmbient(given)) {
      if (isTransaction(definition, given)) return given;
      const what = `got ${describe(definition, given)}. Pass ${definition.expects}`;
      throw refusal([verb, of, jobName], what);
    }
    let handle: unknown;
    try {
      handle = resolved(given);
    } catch (cause) {
      throw refusal([verb, of, jobName], outside(`threw "${messageOf(cause)}"`), { cause });
    }
    if (isTransaction(definition, handle)) return handle;
    throw refusal([verb, of, jobName], outside(`answered ${describe(definition, handle)}`));
  };
}

function messageOf(error: unknown): string {
  return String(error instanceof Error ? error.message : error).slice(0, 200);
}
