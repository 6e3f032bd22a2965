import type { JobState } from "./job/job.ts";

const brand = Symbol.for("pillion.error");

/** What went wrong, for programs: stable across releases. */
export type PillionErrorCode =
  | "NOT_IN_TRANSACTION"
  | "TRANSACTION_CHANGED"
  | "INVALID_JOB"
  | "INVALID_REQUEST"
  | "INVALID_DEFINITION"
  | "INVALID_CONFIGURATION"
  | "SCHEMA_OUTDATED"
  | "SCHEMA_LOCKED"
  | "LEASE_LOST"
  | "JOB_TIMEOUT"
  | "JOB_CANCELLED"
  | "WORKER_STOPPING"
  | "REENTRY"
  | "INVALID_STEP"
  | "STEPS_CHANGED"
  | "STEP_FAILED"
  | "CHILD_FAILED"
  | "EVENT_TIMEOUT"
  | "JOB_DEAD"
  | "JOB_NOT_FOUND"
  | "INVALID_RESULT"
  | "WAIT_TIMEOUT"
  | "NOT_ENQUEUED"
  | "JOBS_FAILED"
  | "NO_SAVEPOINTS"
  | "CODEC_FAILED"
  | "RETRY"
  | "DISCARD";

/**
 * Every error that Pillion itself throws. Errors of the database reach the caller as its ORM throws them, with
 * the one exception of {@link SchemaOutdatedError}.
 */
export class PillionError extends Error {
  /** True where the same call may succeed later, with nothing changed by the caller. */
  readonly retryable: boolean;
  /** The job that the error is about, where there is one. */
  readonly jobName: string | undefined;

  constructor(
    readonly code: PillionErrorCode,
    message: string,
    options: { cause?: unknown; jobName?: string | undefined; retryable?: boolean } = {},
  ) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.name = new.target.name;
    this.jobName = options.jobName;
    this.retryable = options.retryable ?? false;
    Object.defineProperty(this, brand, { value: true });
  }

  /** Recognises errors of another copy of this package too, where `instanceof` would not. */
  static is(error: unknown): error is PillionError {
    return typeof error === "object" && error !== null && brand in error;
  }
}

/** The handle given as `tx` is not an open transaction of this ORM. Thrown before any SQL is sent. */
export class NotInTransactionError extends PillionError {
  constructor(message: string, jobName?: string, options: { cause?: unknown } = {}) {
    super("NOT_IN_TRANSACTION", message, { jobName, ...options });
  }
}

/**
 * A handle that was used in one transaction now reaches another one: it was kept beyond its end, and its
 * connection has been lent again. Nothing was written, and the transaction it reached is untouched.
 */
export class TransactionChangedError extends PillionError {
  constructor(message: string, jobName?: string) {
    super("TRANSACTION_CHANGED", message, { jobName });
  }
}

/** One thing that is wrong with a payload: what, and where in it. */
export interface PayloadIssue {
  readonly message: string;
  readonly path: readonly PropertyKey[];
}

/** A job was refused before any SQL was sent: its payload, its options, or what was passed in its place. */
export class InvalidJobError extends PillionError {
  constructor(
    message: string,
    jobName?: string,
    /** The validator's own issues, or the place in the payload that JSON cannot carry. */
    readonly issues: readonly PayloadIssue[] = [],
    cause?: unknown,
  ) {
    super("INVALID_JOB", message, cause === undefined ? { jobName } : { jobName, cause });
  }
}

/**
 * What was asked of jobs or queues that exist was refused before any SQL was sent: the filter, the id, the time, the
 * queue's name.
 */
export class InvalidRequestError extends PillionError {
  constructor(message: string) {
    super("INVALID_REQUEST", message);
  }
}

/** An idempotent call has called itself, with the same key and in the same transaction. */
export class ReentryError extends PillionError {
  constructor(message: string) {
    super("REENTRY", message);
  }
}

/** A job type or a handler that cannot work, whatever it is given. */
export class InvalidDefinitionError extends PillionError {
  constructor(message: string, jobName?: string) {
    super("INVALID_DEFINITION", message, { jobName });
  }
}

/** Settings that cannot work: of `configure`, of a worker, of migrate. */
export class InvalidConfigurationError extends PillionError {
  constructor(message: string) {
    super("INVALID_CONFIGURATION", message);
  }
}

/** The queue's schema is missing, or is older or newer than this release can use. */
export class SchemaOutdatedError extends PillionError {
  constructor(message: string, cause?: unknown) {
    super("SCHEMA_OUTDATED", message, cause === undefined ? {} : { cause });
  }
}

/** A migration has not got the locks that it needs, as somebody holds the queue's tables for long. Nothing was changed. */
export class SchemaLockedError extends PillionError {
  constructor(message: string, cause: unknown) {
    super("SCHEMA_LOCKED", message, { cause, retryable: true });
  }
}

/** Another worker has taken the job: this attempt's outcome changes nothing any more. */
export class LeaseLostError extends PillionError {
  constructor(message: string, jobName?: string) {
    super("LEASE_LOST", message, { jobName });
  }
}

/** The attempt took longer than the job's `timeoutMs`. */
export class JobTimeoutError extends PillionError {
  constructor(message: string, jobName?: string) {
    super("JOB_TIMEOUT", message, { jobName, retryable: true });
  }
}

/**
 * Somebody has cancelled the job. While it runs this is the reason of its signal, and it ends as cancelled; `waitFor`
 * throws it for a job that has.
 */
export class JobCancelledError extends PillionError {
  constructor(message: string, jobName?: string) {
    super("JOB_CANCELLED", message, { jobName });
  }
}

/** An error as it is stored with a job. */
export interface StoredJobError {
  readonly name: string;
  readonly message: string;
  /** Where it was thrown, at most 20,000 characters of it. */
  readonly stack?: string | undefined;
  /** Its own `code`, where it had one. */
  readonly code?: string | undefined;
}

/** The job that `waitFor` waited for is dead. */
export class JobDeadError extends PillionError {
  constructor(
    message: string,
    jobName: string | undefined,
    /** What its last attempt failed with. */
    readonly error: StoredJobError,
  ) {
    super("JOB_DEAD", message, { jobName });
  }
}

/** There is no job of this id: it was never committed, or it ended so long ago that it is no longer kept. */
export class JobNotFoundError extends PillionError {
  constructor(message: string, jobName?: string) {
    super("JOB_NOT_FOUND", message, { jobName });
  }
}

/** A job is completed, but the result that it left is not valid for the job type that `waitFor` was given. */
export class InvalidResultError extends PillionError {
  constructor(
    message: string,
    jobName: string | undefined,
    /** The validator's own issues. */
    readonly issues: readonly PayloadIssue[],
  ) {
    super("INVALID_RESULT", message, { jobName });
  }
}

/** The job has not ended within the `timeoutMs` of `waitFor`. It goes on. */
export class WaitTimeoutError extends PillionError {
  constructor(message: string, jobName?: string) {
    super("WAIT_TIMEOUT", message, { jobName, retryable: true });
  }
}

/** A test's transaction has not enqueued what `expectEnqueued` was to find. The message lists what it has enqueued. */
export class NotEnqueuedError extends PillionError {
  constructor(message: string, jobName: string) {
    super("NOT_ENQUEUED", message, { jobName });
  }
}

/** Jobs that `runEnqueued` ran in a test's transaction have failed, each with what it wrote behind its last step rolled back. */
export class JobsFailedError extends PillionError {
  constructor(
    message: string,
    /** The jobs that failed, in the order in which they ran. */
    readonly failed: readonly FailedJob[],
    /** The others. */
    readonly ran: readonly RanJob[],
  ) {
    super("JOBS_FAILED", message, { cause: failed[0]?.error, jobName: failed[0]?.name });
  }
}

/** A job that `runEnqueued` has run. */
export interface RanJob {
  readonly id: string;
  readonly name: string;
  /** Which attempt it was, from 1. */
  readonly attempt: number;
  /** Where the job is now: `completed`; `scheduled` or `ready` where it is to run again; `dead`; `cancelled`. */
  readonly state: JobState;
  /** What its handler returned. */
  readonly result: unknown;
}

/** A job whose handler threw while `runEnqueued` ran it. */
export interface FailedJob extends Omit<RanJob, "result"> {
  /** What the handler threw. */
  readonly error: unknown;
}

/** This ORM's transactions have no savepoints, under which each job of a test is to run. */
export class NoSavepointsError extends PillionError {
  constructor(message: string) {
    super("NO_SAVEPOINTS", message);
  }
}

/** A step that cannot be: its name, its place, or what it answered. Its message names the job and the step. */
export class InvalidStepError extends PillionError {
  constructor(message: string, jobName: string, options: { cause?: unknown } = {}) {
    super("INVALID_STEP", message, { jobName, ...options });
  }
}

/**
 * The steps of a job are not those of its earlier attempts: one is missing, has another name, or comes in another order.
 * Nothing ran. Deploy code with the old steps, or cancel the job.
 */
export class StepsChangedError extends PillionError {
  constructor(message: string, jobName: string) {
    super("STEPS_CHANGED", message, { jobName });
  }
}

/** In an earlier attempt a step has failed, and the handler went on behind it: so it has failed for good. */
export class StepFailedError extends PillionError {
  constructor(
    message: string,
    jobName: string,
    /** What it failed with then. */
    readonly error: StoredJobError,
  ) {
    super("STEP_FAILED", message, { jobName });
  }
}

/** A child that did not complete. */
export interface ChildFailure {
  readonly id: string;
  readonly name: string;
  readonly state: "dead" | "cancelled";
  /** What its last attempt failed with, where it has failed. */
  readonly error: StoredJobError | null;
}

/** Children that a job has run have ended dead or cancelled. */
export class ChildFailedError extends PillionError {
  constructor(
    message: string,
    jobName: string,
    /** Those that did not complete, in the order in which they were given. */
    readonly failures: readonly ChildFailure[],
  ) {
    super("CHILD_FAILED", message, { jobName });
  }
}

/** The event has not happened within the `timeoutMs` of `waitForEvent`. */
export class EventTimeoutError extends PillionError {
  constructor(message: string, jobName: string) {
    super("EVENT_TIMEOUT", message, { jobName });
  }
}

/**
 * What a job's codec was to encrypt or to read it could not: its message names the job and the key. At an enqueue nothing
 * was sent to the database. In a worker a job that is `retryable` is tried again, for its key may only have to be deployed;
 * the others, whose text was changed or moved, are dead at once. A codec of your own throws it to say which of the two.
 */
export class CodecError extends PillionError {
  /** The key that the text is encrypted with, where it is. */
  readonly keyId: string | undefined;

  constructor(
    message: string,
    options: {
      cause?: unknown;
      jobName?: string | undefined;
      keyId?: string | undefined;
      retryable?: boolean | undefined;
    } = {},
  ) {
    const { cause, jobName, keyId, retryable = true } = options;
    super("CODEC_FAILED", message, { jobName, retryable, ...(cause === undefined ? {} : { cause }) });
    this.keyId = keyId;
  }
}

/** The worker is stopping: the reason of a job's signal. The job is handed back, and no attempt is counted. */
export class WorkerStoppingError extends PillionError {
  constructor(message: string, jobName?: string) {
    super("WORKER_STOPPING", message, { jobName, retryable: true });
  }
}

/** Throw it in a handler to have the attempt counted as failed and to say when the next one may start. */
export class RetryError extends PillionError {
  /** Milliseconds until the next attempt; the job's backoff where undefined. */
  readonly delayMs: number | undefined;

  constructor(options: { delayMs?: number | undefined; message?: string; cause?: unknown } = {}) {
    super("RETRY", options.message ?? "The handler asked for another attempt.", {
      retryable: true,
      ...("cause" in options ? { cause: options.cause } : {}),
    });
    this.delayMs = options.delayMs;
  }
}

/** Throw it in a handler to end the job as dead at once, whatever attempts are left. */
export class DiscardError extends PillionError {
  constructor(reason: string, options: { cause?: unknown } = {}) {
    super("DISCARD", reason, options);
  }
}

/**
 * The SQLSTATE of a database error, in every wrapping that the supported ORMs give it; undefined where there is
 * none.
 */
export function sqlStateOf(error: unknown): string | undefined {
  let current = error;
  for (let depth = 0; depth < 6 && typeof current === "object" && current !== null; depth++) {
    const { code, originalCode, original, driverError, meta, cause } = current as Record<string, unknown>;
    // Prisma's own codes begin with P1 to P6, those of plpgsql with P0.
    for (const state of [originalCode, code])
      if (
        typeof state === "string" &&
        /^[0-9A-Z]{5}$/.test(state) &&
        !/^(P[1-9]\d{3}|E[A-Z]{4})$/.test(state)
      )
        return state;
    const viaMeta = (meta as { driverAdapterError?: unknown; code?: unknown } | undefined) ?? undefined;
    if (typeof viaMeta?.code === "string" && /^[0-9A-Z]{5}$/.test(viaMeta.code)) return viaMeta.code;
    current = original ?? driverError ?? viaMeta?.driverAdapterError ?? cause;
  }
  return undefined;
}
