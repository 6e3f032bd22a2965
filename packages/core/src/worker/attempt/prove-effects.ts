import { InvalidConfigurationError } from "../../errors.ts";
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
  const clients = new Map<object, Handler>();
  for (const handler of handlers) if (handler.effects) clients.set(handler.effects.client, handler);
  for (const { effects, jobType } of clients.values()) {
    if (await effects!.sees(worker, nonce)) continue;
    throw new InvalidConfigurationError(
      `The ${effects!.name} client of the handler of job "${jobType.name}" leads to another database, or schema, than ` +
        "the worker's `database`: what it writes could not be one commit with its job. Give both the same database.",
    );
  }
}
