import { InvalidDefinitionError } from "../errors.ts";
import { isJobType, type JobType } from "../job/type.ts";
import { show } from "../show.ts";
import type { DurableJob } from "./durable.ts";
import type { Effects, OpenAttempt } from "./effects.ts";
import type { Snooze } from "./snooze.ts";

/** A job that runs: what its handler is given. */
export interface ActiveJob<Payload = unknown> {
  /** The job's id, as text: the same in every attempt. A stable idempotency key for calls to other systems. */
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  /** The payload as the schema's output. */
  readonly payload: Payload;
  /** 1 in the first attempt. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** True where its type has a codec: neither the payload nor what an error says is for a log or a trace. */
  readonly encrypted: boolean;
  /** When the job was enqueued, by the database's clock. */
  readonly createdAt: Date;
  /** The tenant, account or other key that limits of its queue count by; undefined where it has none. */
  readonly partitionKey: string | undefined;
  /** The earliest time at which this attempt could start. */
  readonly runAt: Date;
  /**
   * Aborts when this attempt must end: `reason` is a JobTimeoutError, a LeaseLostError or a WorkerStoppingError.
   * Pass it on to what you call. What the handler does after it is in vain: the job runs again.
   */
  readonly signal: AbortSignal;
  /** Return what it returns, and the job runs again after so many milliseconds, with no attempt used. */
  snooze(options: { readonly delayMs: number }): Snooze;
}

/** A job type and what runs it. Made by `handle` or `handleMany`. */
export interface Handler {
  readonly jobType: JobType;
  readonly run: (job: DurableJob<never>, attempt: OpenAttempt) => unknown;
  /** Set where one call takes many jobs. */
  readonly batch?: BatchHandler | undefined;
  /** Set where the handler may complete its attempts in transactions of the application's client. */
  readonly effects?: Effects | undefined;
}

/**
 * Runs around each call of a handler: for a trace, a request's context, a log's bindings. It must call `run` once and return
 * what that returns; what it throws instead fails the attempt. `jobs` has one job, but for handlers that take many. Where
 * the attempt ends before the handler does, `run` ends with it: with the reason of `job.signal`, or with nothing where the
 * job falls asleep in a step.
 */
export type Around = (jobs: readonly ActiveJob[], run: () => unknown) => unknown;

/** What takes many jobs in one call. */
export interface BatchHandler {
  readonly maxJobs: number;
  readonly run: (jobs: readonly ActiveJob<never>[]) => unknown;
}

/**
 * Says what runs jobs of this type. At least once: a worker that dies, or loses its connection at the wrong
 * moment, leaves its jobs to another, so the effects of a handler must bear repetition.
 *
 * return = completed; throw = failed, tried again after the type's backoff until its attempts are used up;
 * throw RetryError or DiscardError to decide otherwise.
 */
export function handle<Input, Output, Result>(
  jobType: JobType<Input, Output, Result>,
  run: (job: DurableJob<Output>) => Result | Snooze | Promise<Result | Snooze>,
): Handler {
  if (!isJobType(jobType))
    throw new InvalidDefinitionError("handle: the first argument is not what defineJob returned.");
  if (typeof run !== "function")
    throw new InvalidDefinitionError(
      `handle: job "${jobType.name}" got no function to run it.`,
      jobType.name,
    );
  return { jobType: jobType as unknown as JobType, run };
}

/**
 * Says what runs jobs of this type many at a time: one call takes up to `maxJobs` of those that are ready, and counts
 * as one of the worker's `concurrency`. Give such a type a queue of its own, so that its batches fill.
 *
 * Return nothing, and all are completed; or an array with one entry for each job, in their order: its result, or an
 * Error, by which this job alone fails. A throw fails them all. Each job has its own attempts, and its own signal.
 *
 * @throws InvalidDefinitionError
 */
export function handleMany<Input, Output, Result>(
  jobType: JobType<Input, Output, Result>,
  options: { readonly maxJobs: number },
  run: (jobs: readonly ActiveJob<Output>[]) => BatchReturn<Result> | Promise<BatchReturn<Result>>,
): Handler {
  if (!isJobType(jobType))
    throw new InvalidDefinitionError("handleMany: the first argument is not what defineJob returned.");
  const { maxJobs } = options ?? {};
  if (!(Number.isInteger(maxJobs) && maxJobs >= 1 && maxJobs <= 500))
    throw new InvalidDefinitionError(
      `handleMany: job "${jobType.name}": maxJobs is ${show(maxJobs)}, not a whole number from 1 to 500.`,
      jobType.name,
    );
  if (typeof run !== "function")
    throw new InvalidDefinitionError(
      `handleMany: job "${jobType.name}" got no function to run them.`,
      jobType.name,
    );
  return {
    jobType: jobType as unknown as JobType,
    run: (job) => run([job]),
    batch: { maxJobs, run },
  };
}

/** What a batch handler may return: nothing, or for each job its result, or the error by which it fails. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function without a return has this type
export type BatchReturn<Result> = readonly (Result | Snooze | Error | undefined)[] | undefined | void;
