import { createWorker, type Handler } from "@pillion/core/worker";
import type { Context } from "./context.ts";
import { accepted } from "./expect.ts";
import type { Order } from "./harness.ts";

/** A worker for some handlers, stopped once the case is over; answers the lines that it will have logged. */
export async function working(
  context: Context,
  handlers: readonly Handler[],
  // A commit wakes it; its beat, which would tell of a lost lease sooner than the completion does, comes later.
  { pollMs } = { pollMs: 30_000 },
): Promise<string[]> {
  const lines: string[] = [];
  const note = (line: string) => void lines.push(line);
  const worker = createWorker({
    database: context.place.url,
    schema: context.place.jobs,
    handlers,
    pollMs,
    logger: { error: note, warn: note, info: note },
  });
  context.after(() => worker.stop({ graceMs: 0 }));
  await accepted(worker.start(), "the worker's start");
  return lines;
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
