import type { Enqueued, EnqueueOptions } from "@pillion/core";
import type { AnyJob, Context } from "../context.ts";

export const key = { uniqueKey: "the key" } as const;

/** Enqueues in a transaction of its own that commits. */
export async function committed(
  context: Context,
  type: AnyJob,
  options: EnqueueOptions = key,
): Promise<Enqueued> {
  const connection = await context.connection();
  return connection.transaction((tx) => context.verbs.enqueue(tx, type(null, options)));
}
