import type { EncryptedValue } from "../codec/seal.ts";
import type { JobState } from "../job/job.ts";

/** An error as it was stored. */
export interface ErrorRecord {
  readonly name: string;
  readonly message: string;
  /** Where it was thrown, as far as it was stored. */
  readonly stack?: string;
  /** For programs, where the error has one. */
  readonly code?: string;
  /** All that it says, where the job's type has a codec: `reveal` reads it. */
  readonly encrypted?: EncryptedValue;
}

/** One attempt of a job. Times are by the database's clock. */
export interface AttemptRecord {
  /** 1 is the first. What is put off or handed back is not counted: the attempt after it has the same number. */
  readonly attempt: number;
  /** Host and process of the worker. */
  readonly worker: string;
  readonly startedAt: Date;
  /** Null while it runs. */
  readonly finishedAt: Date | null;
  /**
   * `failed`: it is tried again. `snoozed`: it was put off, by `job.snooze` or because it waits in a step. `lost`: its
   * worker fell silent. `released`: its worker stopped and handed the job back. The others are how it ended the job.
   */
  readonly outcome:
    | "running"
    | "completed"
    | "dead"
    | "cancelled"
    | "failed"
    | "snoozed"
    | "lost"
    | "released";
  readonly error: ErrorRecord | null;
}

/**
 * One step of a job, from the moment at which it is recorded: work once it has ended, a wait once it has begun. A step
 * that failed, and its attempt with it, is not among them: it runs again, and the attempt has its error.
 */
export interface StepRecord {
  /** 1 is the first. */
  readonly position: number;
  /** What the handler calls it, with its number in a loop: `book#2`. */
  readonly name: string;
  /** How the handler began it; `event` is `waitForEvent`, `run` is that of children. */
  readonly kind: "step" | "stepTx" | "sleep" | "event" | "run";
  /**
   * `failed`: the handler has caught its error and gone on. What a job still waited for when it ended stays `waiting`.
   */
  readonly state: "waiting" | "completed" | "failed";
  /** What it answered: an event its payload, one or many children an array of their results; null for nothing. */
  readonly result: unknown;
  readonly error: ErrorRecord | null;
  readonly startedAt: Date;
  /** Null while it waits. */
  readonly finishedAt: Date | null;
  /** When its wait ends by itself: of a `sleep`, and of an `event` with a `timeoutMs`. */
  readonly until: Date | null;
  /** What an `event` waits for. */
  readonly event: { readonly name: string; readonly key: string } | null;
  /** The ids of the jobs that a `run` has enqueued, in the order in which it got them. */
  readonly children: readonly string[];
}

/** A job that another one runs. */
export interface ChildRecord {
  readonly id: string;
  readonly name: string;
  readonly state: JobState;
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
  /** The id of the job that runs it, by `job.run`. */
  readonly parent: string | null;
  /** As it is stored: where its type has a codec, encrypted, with the id of the key (`isEncrypted`). */
  readonly payload: unknown;
  readonly headers: Readonly<Record<string, unknown>> | null;
  /** The same. */
  readonly result: unknown;
  /** What ended it, where it is dead. */
  readonly error: ErrorRecord | null;
}

/** All that is known of one job, for as long as it is kept. */
export interface JobRecord extends JobSummary {
  /** Every attempt, the first first. */
  readonly attempts: readonly AttemptRecord[];
  /** What its steps have come to and what it waits for, in the order of the handler; `[]` for a job without steps. */
  readonly steps: readonly StepRecord[];
  /** The jobs that it runs or has run, by `job.run`, as far as they are kept; the first 1,000, by id. */
  readonly children: readonly ChildRecord[];
}

/** What find-job.ts answers, each of them JSON text. */
export interface FoundJob {
  readonly job: string;
  readonly attempts: string;
  readonly steps: string;
  readonly children: string;
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
    parent: job.parent === undefined || job.parent === null ? null : String(job.parent),
    payload: job.payload,
    headers: job.headers ?? null,
    result: job.result ?? null,
    error: job.error ?? null,
  };
}

export function toRecord(found: FoundJob): JobRecord {
  const list = (text: string): readonly Record<string, never>[] => JSON.parse(text);
  return {
    ...toSummary(JSON.parse(found.job)),
    attempts: list(found.attempts).map((attempt) => ({
      attempt: attempt.attempt!,
      worker: attempt.worker!,
      startedAt: new Date(attempt.startedAt!),
      finishedAt: date(attempt.finishedAt ?? null),
      outcome: attempt.outcome!,
      error: attempt.error ?? null,
    })),
    steps: list(found.steps).map((step) => ({
      position: step.position!,
      name: step.name!,
      kind: step.kind!,
      state: step.error ? "failed" : step.done ? "completed" : "waiting",
      result: step.result ?? null,
      error: step.error ?? null,
      startedAt: new Date(step.startedAt!),
      finishedAt: date(step.finishedAt ?? null),
      until: date(step.until ?? null),
      event: step.event ?? null,
      children: step.children ?? [],
    })),
    children: JSON.parse(found.children),
  };
}
