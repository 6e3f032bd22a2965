import { InvalidRequestError, LeaseLostError, WorkerStoppingError } from "../../errors.ts";
import type { ActiveJob } from "../../handler/handler.ts";
import type { JobType } from "../../job/type.ts";
import type { Attempt } from "../attempt/attempt.ts";
import { sayFailure } from "../attempt/failure-line.ts";
import type { Outcome, Written } from "../attempt/outcome.ts";
import type { Logger } from "../logger.ts";
import type { Endings } from "./endings.ts";

/** What whoever claimed them says of jobs: each is settled once, by the one who holds it. */
export class Settlements {
  readonly #attempts = new WeakMap<object, Attempt>();
  /** By which verb it was settled; what was made of it; and why that could not be written. */
  readonly #verbs = new WeakMap<Attempt, string>();
  readonly #ends = new WeakMap<Attempt, { readonly outcome: Outcome; readonly written: Promise<Written> }>();
  readonly #failures = new WeakMap<Attempt, Error>();
  readonly #writing = new Set<Promise<Written>>();

  constructor(
    private readonly endings: Endings,
    private readonly logger: Logger,
    private readonly onWritten: (attempt: Attempt) => void,
  ) {}

  /** The job was handed out as this object. */
  add(job: ActiveJob, attempt: Attempt): void {
    this.#attempts.set(job, attempt);
  }

  /** The attempt has ended, whoever ended it. */
  end(attempt: Attempt, outcome: Outcome): void {
    sayFailure(this.logger, attempt, outcome);
    const written = this.endings.write(attempt, outcome).then((found) => {
      this.onWritten(attempt);
      this.#writing.delete(written);
      return found;
    });
    this.#writing.add(written);
    this.#ends.set(attempt, { outcome, written });
  }

  /**
   * The attempt behind a job that can still be settled.
   *
   * @throws InvalidRequestError for what is none, or has been settled; LeaseLostError, JobCancelledError or
   * WorkerStoppingError for a job that is no longer held
   */
  attemptOf(verb: string, job: unknown): Attempt {
    const attempt = this.#find(verb, job);
    const failure = this.#failures.get(attempt) ?? this.lossOf(attempt);
    if (failure) throw failure;
    const before = this.#verbs.get(attempt);
    if (before !== undefined)
      throw new InvalidRequestError(
        `${verb}: ${attempt} has been settled by ${before}() already. An attempt ends once; nothing was sent to the database.`,
      );
    return attempt;
  }

  /** The type of a job, settled or not. @throws InvalidRequestError */
  jobTypeOf(verb: string, job: unknown): JobType {
    return this.#find(verb, job).handler.jobType;
  }

  #find(verb: string, job: unknown): Attempt {
    const attempt = typeof job === "object" && job !== null ? this.#attempts.get(job) : undefined;
    if (attempt) return attempt;
    throw new InvalidRequestError(
      `${verb}: this is no job that claim() of this claimer has answered. Pass the very object that it answered.`,
    );
  }

  /** Why the attempt ended without being settled, if it did. */
  lossOf(attempt: Attempt): Error | undefined {
    return attempt.handling || this.#verbs.has(attempt) ? undefined : attempt.signal.reason;
  }

  /** Lets `end` end the attempt, and waits until that is written. @throws as attemptOf does; LeaseLostError */
  async settle(verb: string, job: unknown, end: (attempt: Attempt) => void): Promise<Outcome> {
    const attempt = this.attemptOf(verb, job);
    this.#verbs.set(attempt, verb);
    end(attempt);
    const { outcome, written } = this.#ends.get(attempt)!;
    const found = await written;
    if (found === "done") return outcome;
    const failure = toFailure(verb, attempt, found);
    this.#failures.set(attempt, failure);
    throw failure;
  }

  /** Resolves when of everything that has ended it is known whether it is written. */
  async allWritten(): Promise<void> {
    await Promise.all(this.#writing);
  }
}

function toFailure(verb: string, attempt: Attempt, found: "lost" | "unknown"): Error {
  return found === "lost"
    ? new LeaseLostError(
        `${verb}: the lease of ${attempt} had run out, and the job has passed to another worker. Nothing was written; it will be done again.`,
        attempt.name,
      )
    : new WorkerStoppingError(
        `${verb}: the claimer was stopped before the database answered for ${attempt}. If nothing was written, the job runs again.`,
        attempt.name,
      );
}
