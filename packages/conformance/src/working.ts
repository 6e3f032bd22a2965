import assert from "node:assert/strict";
import { createWorker, type Handler } from "@pillion/core/worker";
import type { Context } from "./context.ts";
import { accepted } from "./expect.ts";
import type { Order } from "./harness.ts";

/** A worker for some handlers, stopped once the case is over. `said` answers the first line it logs that starts so. */
export async function working(
  context: Context,
  handlers: readonly Handler[],
  // A commit wakes it; its beat, which would tell of a lost lease sooner than the completion does, comes later.
  { pollMs } = { pollMs: 30_000 },
): Promise<{ said(start: string): Promise<string> }> {
  const lines: string[] = [];
  const listeners = new Set<() => void>();
  const note = (line: string) => {
    lines.push(line);
    for (const listener of listeners) listener();
  };
  const worker = createWorker({
    database: context.place.url,
    schema: context.place.jobs,
    handlers,
    pollMs,
    logger: { error: note, warn: note, info: note },
  });
  context.after(() => worker.stop({ graceMs: 0 }));
  await accepted(worker.start(), "the worker's start");
  return {
    said: (start) =>
      new Promise((resolve) => {
        const look = () => {
          const line = lines.find((each) => each.startsWith(start));
          if (line !== undefined) resolve(line);
        };
        listeners.add(look);
        look();
      }),
  };
}

/** Enqueues a job by itself, and answers its id. */
export async function enqueued(context: Context, job: Parameters<Context["verbs"]["enqueueStandalone"]>[1]) {
  const { client } = await context.connection();
  return (await context.verbs.enqueueStandalone(client, job)).id;
}

/** Resolves when the job has ended so. */
export const ended = (context: Context, id: string, state: string) =>
  context.reader.until(
    `job ${id} is ${state}`,
    `select from ${context.place.jobs}.archive where id = $1 and state::text = $2`,
    [id, state],
  );

/** Waits until the job is completed: its order must be there then, and written by the completion's transaction. */
export async function endedWith(context: Context, id: string, order: Order): Promise<void> {
  await ended(context, id, "completed");
  const { order: wrote, last: completed } = await writers(context, id, order);
  assert.notEqual(wrote, null, "the order of a completed job is missing");
  assert.equal(wrote, completed, "the order and the completion have different transactions");
}

/** The transactions that wrote the order and ended the job. */
export const writers = (context: Context, id: string, order: Order) =>
  bothWriters(context, order, "archive where id = $1", id);

/** The transactions that wrote the order and recorded the job's first step. */
export const stepWriters = (context: Context, id: string, order: Order) =>
  bothWriters(context, order, "checkpoint where job = $1 and ordinal = 1", id);

async function bothWriters({ reader, place }: Context, order: Order, last: string, id: string) {
  const [row] = await reader.query(
    `select (select xmin::text from ${place.schema}.orders where id = $2) as "order",
       (select xmin::text from ${place.jobs}.${last}) as last`,
    [id, order.id],
  );
  return row as { order: string | null; last: string | null };
}
