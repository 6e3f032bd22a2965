import { defineJob, type EnqueueOptions, InvalidJobError, type } from "@pillion/core";
import { expect } from "vitest";
import type { OwnQueue } from "./own-queue.ts";

const job = defineJob({ name: "any.thing", payload: type<unknown>() });

/** One job is another statement than a batch, and than either with a unique key. */
export const forms = ["enqueue", "enqueueMany"] as const;

/** What the database holds of a job; JSON and times as text. */
interface Stored {
  readonly payload: string;
  readonly headers: string | null;
  readonly queue: string;
  readonly priority: number;
  readonly max_attempts: number;
  readonly partition_key: string | null;
  readonly unique_key: string | null;
  readonly state: string;
  /** Milliseconds since 1970, and since the enqueue. */
  readonly run_at: string;
  readonly delay: string;
  readonly start_before: string | null;
}

/**
 * Enqueues in a transaction of its own, and answers what is there after its COMMIT, or the refusal: then the
 * transaction went on, and held nothing of the job.
 */
export async function enqueued(
  queue: OwnQueue,
  form: (typeof forms)[number],
  payload: unknown,
  options?: unknown,
): Promise<Stored | InvalidJobError> {
  const tx = await queue.pool.connect();
  try {
    await tx.query("begin");
    const made = job(payload, options as EnqueueOptions);
    const answer = await (form === "enqueue"
      ? queue.verbs.enqueue(tx, made)
      : queue.verbs.enqueueMany(tx, [job(0), made]).then(([, answer]) => answer)
    ).catch((error: unknown) => error);
    if (answer instanceof InvalidJobError) {
      const left = await queue.query(
        "select from pillion.job where enqueued_xid = pg_current_xact_id()",
        [],
        tx,
      );
      expect(left).toEqual([]);
      return answer;
    }
    if (answer instanceof Error) throw answer;
    await tx.query("commit");
    const [row] = await queue.query(
      `select payload::text, headers::text, queue, priority, max_attempts, partition_key, unique_key, state,
         (extract(epoch from run_at) * 1000)::text as run_at,
         (extract(epoch from start_before) * 1000)::text as start_before,
         (extract(epoch from run_at - created_at) * 1000)::text as delay
       from pillion.job where id = $1`,
      [(answer as { id: string }).id],
    );
    return row as unknown as Stored;
  } finally {
    await tx.query("rollback");
    tx.release();
  }
}
