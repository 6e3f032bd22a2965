import type { JobState } from "../job/job.ts";

/** An error as it was stored. */
export interface ErrorRecord {
  readonly name: string;
  readonly message: string;
  /** Where it was thrown, as far as it was stored. */
  readonly stack?: string;
  /** For programs, where the error has one. */
  readonly code?: string;
}

/** One attempt of a job. Times are by the database's clock. */
export interface AttemptRecord {
  readonly attempt: number;
  /** Host and process of the worker. */
  readonly worker: string;
  readonly startedAt: Date;
  /** Null while it runs. */
  readonly finishedAt: Date | null;
  /** `lost`: its worker fell silent. `released`: its worker stopped and handed the job back. */
  readonly outcome: "running" | "completed" | "dead" | "cancelled" | "failed" | "lost" | "released";
  readonly error: ErrorRecord | null;
}

/** A job, before, while and after it runs. */
export interface JobSummary {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly queue: string;
  readonly state: JobState;
  readonly priority: number;
  readonly attempt: number;
  readonly maxAttempts: number | null;
  readonly createdAt: Date;
  readonly runAt: Date;
  /** Not started by then, it is cancelled instead. */
  readonly startBefore: Date | null;
  /** Since when it is to be cancelled, while it still runs. */
  readonly cancelledAt: Date | null;
  readonly finishedAt: Date | null;
  readonly uniqueKey: string | null;
  readonly partitionKey: string | null;
  readonly payload: unknown;
  readonly headers: Readonly<Record<string, unknown>> | null;
  readonly result: unknown;
  /** What ended it, where it is dead. */
  readonly error: ErrorRecord | null;
}

/** All that is known of one job. */
export interface JobRecord extends JobSummary {
  /** Every attempt, the first first. */
  readonly attempts: readonly AttemptRecord[];
}

const date = (value: string | null) => (value === null ? null : new Date(value));

/** A row of job or archive, as JSON. */
export function toSummary(job: Record<string, never>): JobSummary {
  return {
    id: String(job.id),
    name: job.name!,
    version: job.version!,
    queue: job.queue!,
    state: job.state!,
    priority: job.priority!,
    attempt: job.attempt!,
    maxAttempts: job.max_attempts ?? null,
    createdAt: new Date(job.created_at!),
    runAt: new Date(job.run_at!),
    startBefore: date(job.start_before ?? null),
    cancelledAt: date(job.cancelled_at ?? null),
    finishedAt: date(job.finished_at ?? null),
    uniqueKey: job.unique_key ?? null,
    partitionKey: job.partition_key ?? null,
    payload: job.payload,
    headers: job.headers ?? null,
    result: job.result ?? null,
    error: job.error ?? null,
  };
}

export function toRecord(job: Record<string, never>, attempts: readonly Record<string, never>[]): JobRecord {
  return {
    ...toSummary(job),
    attempts: attempts.map((attempt) => ({
      attempt: attempt.attempt!,
      worker: attempt.worker!,
      startedAt: new Date(attempt.startedAt!),
      finishedAt: date(attempt.finishedAt ?? null),
      outcome: attempt.outcome!,
      error: attempt.error ?? null,
    })),
  };
}
