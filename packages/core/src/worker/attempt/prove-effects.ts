import { InvalidConfigurationError } from "../../errors.ts";
import type { Effects } from "../../handler/effects.ts";
import type { Handler } from "../../handler/handler.ts";

/**
 * Asks through the client of each handler for a worker that has just made itself known on the worker's own.
 *
 * @throws InvalidConfigurationError where a handler would write into another database than the one that holds its job
 */
export async function proveEffects(
  handlers: readonly Handler[],
  worker: string,
  nonce: string,
): Promise<void> {
  const proven: Effects[] = [];
  for (const { effects, jobType } of handlers) {
    if (!effects || proven.some((other) => isSame(other, effects))) continue;
    proven.push(effects);
    if (await effects.sees(worker, nonce)) continue;
    throw new InvalidConfigurationError(
      `The ${effects.name} client of the handler of job "${jobType.name}" leads to another database, or schema, than ` +
        "the worker's `database`: what it writes could not be one commit with its job. Give both the same database.",
    );
  }
}

const isSame = (one: Effects, other: Effects) => one.client === other.client && one.schema === other.schema;
