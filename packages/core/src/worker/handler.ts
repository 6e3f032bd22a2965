import { InvalidDefinitionError } from "../errors.ts";
import { isJobType, type JobType } from "../job/type.ts";

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
  /** When the job was enqueued, by the database's clock. */
  readonly createdAt: Date;
  /** The earliest time at which this attempt could start. */
  readonly runAt: Date;
  /**
   * Aborts when this attempt must end: `reason` is a JobTimeoutError, a LeaseLostError or a WorkerStoppingError.
   * Pass it on to what you call. What the handler does after it is in vain: the job runs again.
   */
  readonly signal: AbortSignal;
}

/** A job type and what runs it. Made by `handle`. */
export interface Handler {
  readonly jobType: JobType;
  readonly run: (job: ActiveJob<never>) => unknown;
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
  run: (job: ActiveJob<Output>) => Result | Promise<Result>,
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
