import { createWorker, type Handler, type WorkerOptions } from "@pillion/core/worker";
import { onTestFinished } from "vitest";
import { listeningLogger, type TestQueue, testQueue } from "./queue.ts";

/** A queue, and workers in this process, for one test: they stop and go when it has finished. */
export async function workshop() {
  const queue: TestQueue = await testQueue();
  const stops: (() => Promise<void>)[] = [];
  onTestFinished(async () => {
    for (const stop of stops) await stop();
    await queue.drop();
  });
  return {
    queue,
    async work(handlers: readonly Handler[], options: Partial<WorkerOptions> = {}) {
      const logger = listeningLogger();
      const { schema, url: database } = queue;
      const worker = createWorker({ database, schema, handlers, logger, pollMs: 50, ...options });
      stops.push(() => worker.stop({ graceMs: 0 }));
      await worker.start();
      return { worker, logger };
    },
    /** How many jobs have ended, in one state or in any. */
    async ended(state = "%"): Promise<number> {
      const text = "select count(*)::int as n from pillion.archive where state::text like $1";
      return (await queue.query(text, [state]))[0]!.n!;
    },
  };
}

export interface Interval {
  readonly id: string;
  readonly key: string | null;
  /** Microseconds, by the database's clock. */
  readonly from: number;
  readonly to: number;
}

/** When each attempt ran, as the database has recorded it. */
export async function recordedIntervals(queue: TestQueue): Promise<readonly Interval[]> {
  const rows = await queue.query(
    `select a.job::text as id, coalesce(k.partition_key, j.partition_key) as key,
       (extract(epoch from a.started_at) * 1e6)::bigint::text as "from", (extract(epoch from a.finished_at) * 1e6)::bigint::text as "to"
     from pillion.attempts a left join pillion.archive k on k.id = a.job left join pillion.live j on j.id = a.job
     where a.finished_at is not null order by a.started_at`,
  );
  return rows.map(({ id, key, from, to }) => ({ id: id!, key: key!, from: Number(from), to: Number(to) }));
}

/** How many of them ran at the same moment, at most. */
export function mostAtOnce(intervals: readonly Interval[]): number {
  const changes = intervals.flatMap(({ from, to }) => [
    { at: from, by: 1 },
    { at: to, by: -1 },
  ]);
  // What ends at the moment at which another starts has made room for it.
  changes.sort((a, b) => a.at - b.at || a.by - b.by);
  let now = 0;
  let most = 0;
  for (const { by } of changes) {
    now += by;
    most = Math.max(most, now);
  }
  return most;
}

/** How many of these moments, in microseconds, lie within any stretch of so many milliseconds, at most. */
export function mostWithin(moments: readonly number[], ms: number): number {
  const sorted = moments.toSorted((a, b) => a - b);
  return Math.max(
    ...sorted.map((from, index) => sorted.slice(index).filter((at) => at < from + ms * 1_000).length),
  );
}
