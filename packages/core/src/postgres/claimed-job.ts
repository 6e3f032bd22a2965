import type { Place } from "./step.ts";

/** A job as a claim answers it. */
export interface ClaimedJob {
  readonly id: string;
  readonly position: number;
  readonly priority: number;
  readonly queue: string;
  readonly name: string;
  readonly version: number;
  readonly attempt: number;
  /** 0 where the job does not say. */
  readonly maxAttempts: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly payload: unknown;
  /** Its place in its claim, which one row holds; undefined where it has a row of its own. */
  readonly place: Place | undefined;
  /** Claimed ahead: no crash counts against it until its start is written. */
  readonly prefetched: boolean;
  /** What few jobs have. */
  readonly more: ClaimedMore | undefined;
}

interface ClaimedMore {
  readonly runAt: number;
  readonly headers: Readonly<Record<string, unknown>> | null;
  readonly partitionKey: string | null;
  /** Attempts in which its worker fell silent. */
  readonly lost: number;
  /** The same, of a job with a row of its own. */
  readonly prefetched: boolean;
  /** It is to start within so many milliseconds from its claim, or not at all. */
  readonly startInMs: number | null;
  /** It has steps of earlier attempts. */
  readonly stepped: boolean | null;
  /** Another job waits for its end. */
  readonly child: boolean;
}

/** Reads what the function `claimed` wrote: the highest priority first, and each in the order of the lane. */
export function readClaimedJobs(
  rows: readonly (readonly never[])[],
  queues: readonly string[],
  names: readonly string[],
  /** Of the first of them, which one row holds: whether a crash counts. */
  charged: readonly boolean[] = [],
): ClaimedJob[] {
  return rows
    .map(
      (
        [id, position, priority, queue, name, version, attempt, maxAttempts, createdAt, payload, more],
        index,
      ) => ({
        id: String(id!),
        position: position!,
        priority: priority!,
        queue: queues[queue! - 1]!,
        name: names[name! - 1]!,
        version: version!,
        attempt: attempt!,
        maxAttempts: maxAttempts!,
        createdAt: createdAt!,
        payload: payload as unknown,
        place: index < charged.length ? { index, size: charged.length } : undefined,
        prefetched:
          index < charged.length ? !charged[index] : ((more as ClaimedMore | undefined)?.prefetched ?? false),
        more: more as ClaimedMore | undefined,
      }),
    )
    .sort((a, b) => b.priority - a.priority || a.position - b.position);
}
