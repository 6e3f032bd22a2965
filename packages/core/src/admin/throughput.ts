import { InvalidRequestError } from "../errors.ts";
import { queueName } from "../job/names.ts";
import { show } from "../show.ts";
import type { Link } from "../worker/link.ts";

/** Which stretch of time `throughput` looks at. */
export interface ThroughputOptions {
  /** Only this one; default all. */
  readonly queue?: string | undefined;
  /** How far it looks back from the database's present: 1 to 1,440; default 60. */
  readonly minutes?: number | undefined;
  /** How long each stretch is: 1 to 86,400, and at most 1,500 stretches in all; default 60. */
  readonly bucketSeconds?: number | undefined;
}

/** What a queue has come to in one stretch of time. */
export interface ThroughputBucket {
  readonly queue: string;
  /** When it begins, by the database's clock: a multiple of its length. The first one is whole. */
  readonly from: Date;
  /** How much of it has passed: its length, but less for the last one. */
  readonly seconds: number;
  /** How many jobs have completed. */
  readonly completed: number;
  /** How many attempts have failed, or lost their worker, and were not their job's last. */
  readonly failed: number;
  /** How many jobs died. */
  readonly dead: number;
  /**
   * For how long the last attempts of the jobs that completed or died could have been started before they were, in
   * milliseconds: half of them no longer than that. Null where there are none.
   */
  readonly waitP50Ms: number | null;
  /** The same for 95 of 100. */
  readonly waitP95Ms: number | null;
  /** For how long those attempts ran, in milliseconds. */
  readonly runP50Ms: number | null;
  readonly runP95Ms: number | null;
  /** More has ended than is read at once: the figures are estimates, from evenly spread parts of it. */
  readonly sampled: boolean;
}

/** What queues come to. */
export interface Throughput {
  /**
   * What has ended of late: of each queue in which anything has, every stretch of time, the oldest first. It reads what
   * has ended since, and at most 5.5 MiB of each of the archive's partitions; where that is not all, the figures are
   * estimates. It needs no statistics and no index, so that no completion pays for it. What was brought back counts for
   * when it ended; its waiting is not known any more.
   *
   * @throws InvalidRequestError
   */
  throughput(options?: ThroughputOptions): Promise<readonly ThroughputBucket[]>;
}

/** How many stretches of each queue are told at most. */
const most = 1_500;

export function throughputVerb(link: Link): Throughput {
  return {
    async throughput({ queue, minutes = 60, bucketSeconds = 60 } = {}) {
      whole("minutes", minutes, 1_440);
      whole("bucketSeconds", bucketSeconds, 86_400);
      if ((minutes * 60) / bucketSeconds > most)
        throw new InvalidRequestError(
          `throughput: ${minutes} minutes have ${Math.ceil((minutes * 60) / bucketSeconds)} stretches of ${bucketSeconds} s, and at most ${most} are told. Ask for longer ones, or for fewer minutes.`,
        );
      if (queue !== undefined) queueName("throughput", queue);
      const rows = await link.run(link.engine.throughput, { queue: queue ?? null, minutes, bucketSeconds });
      return rows.map((row) => toBucket(JSON.parse(row.bucket!)));
    },
  };
}

function whole(option: string, value: number, limit: number): void {
  if (!(Number.isInteger(value) && value >= 1 && value <= limit))
    throw new InvalidRequestError(
      `throughput: ${option} is ${show(value)}, not a whole number from 1 to ${limit}.`,
    );
}

function toBucket(row: Readonly<Record<string, never>>): ThroughputBucket {
  return {
    queue: row.name!,
    from: new Date(row.at!),
    seconds: row.seconds!,
    completed: row.completed!,
    failed: row.failed!,
    dead: row.dead!,
    waitP50Ms: row.wait_p50!,
    waitP95Ms: row.wait_p95!,
    runP50Ms: row.run_p50!,
    runP95Ms: row.run_p95!,
    sampled: row.sampled!,
  };
}
