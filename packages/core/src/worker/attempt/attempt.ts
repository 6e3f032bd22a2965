import {
  InvalidJobError,
  JobTimeoutError,
  LeaseLostError,
  type PillionError,
  WorkerStoppingError,
} from "../../errors.ts";
import type { OpenAttempt } from "../../handler/effects.ts";
import type { ActiveJob, Handler } from "../../handler/handler.ts";
import { Snooze } from "../../handler/snooze.ts";
import { jsonIssueOf } from "../../json.ts";
import type { ClaimedJob } from "../../postgres/claimed-job.ts";
import type { Place } from "../../postgres/step.ts";
import { type FailOptions, judge, type Outcome, spent } from "./outcome.ts";

/** One run of one job by this worker, from its claim to its outcome. */
export class Attempt implements OpenAttempt {
  readonly id: string;
  readonly name: string;
  readonly number: number;
  readonly maxAttempts: number;
  /** Its place in the row of its claim; undefined once it has a row of its own. */
  place: Place | undefined;
  /** False once the handler has ended: the outcome is being written. */
  handling = true;
  completing = false;
  /** When its handler was called; undefined before. */
  startedAt: number | undefined;
  #abort: AbortController | undefined;
  #reason: PillionError | undefined;
  #committed = false;
  #onEnd: ((attempt: Attempt, outcome: Outcome) => void) | undefined;

  constructor(
    readonly job: ClaimedJob,
    readonly claim: string,
    readonly handler: Handler,
    readonly claimedAt: number,
  ) {
    this.id = job.id;
    this.name = job.name;
    this.number = job.attempt;
    this.place = job.place;
    this.maxAttempts = job.maxAttempts || handler.jobType.maxAttempts;
  }

  /** `job 12 "mail.send" (attempt 2 of 8)` */
  toString(): string {
    return `job ${this.id} "${this.name}" (attempt ${this.number} of ${this.maxAttempts})`;
  }

  /** Made when it is asked for: most handlers never do. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#reason !== undefined && !this.#abort.signal.aborted) this.#abort.abort(this.#reason);
    return this.#abort.signal;
  }

  /** Calls the handler. `onEnd` is called once, perhaps before this returns. */
  start(onEnd: (attempt: Attempt, outcome: Outcome) => void): void {
    this.begin(onEnd);
    if (!this.handling) return;
    try {
      const returned = this.#handle();
      if (isThenable(returned))
        returned.then(
          (value) => this.end(value),
          (error) => this.fail(error),
        );
      else this.end(returned);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Says that the handler is called now, by somebody else for many at once. */
  begin(onEnd: (attempt: Attempt, outcome: Outcome) => void): void {
    this.#onEnd = onEnd;
    this.startedAt = performance.now();
    if (this.#reason !== undefined) this.fail(this.#reason);
    else if (this.#isLate(this.startedAt)) this.#settle({ verb: "expire" });
    // A worker that died in its last attempt was not there to say so.
    else if (this.number > this.maxAttempts) this.#settle(spent(this.maxAttempts));
  }

  get startedMs(): number {
    return this.startedAt! - this.claimedAt;
  }

  get timeoutMs(): number {
    return this.handler.jobType.timeoutMs;
  }

  committed(): void {
    this.#committed = true;
  }

  /** The handler has returned. */
  end(value: unknown): void {
    if (!this.handling) return;
    if (this.#committed) this.#settle({ verb: "committed" });
    else if (value instanceof Snooze) this.#settle({ verb: "snooze", delayMs: value.delayMs });
    else if (this.handler.jobType.resultSchema === undefined || value === undefined)
      this.#settle({ verb: "complete", result: undefined });
    else
      try {
        this.resultText(value);
        this.#settle({ verb: "complete", result: value });
      } catch (error) {
        this.fail(error);
      }
  }

  resultText(result: unknown): string | null {
    if (this.handler.jobType.resultSchema === undefined || result === undefined) return null;
    const issue = jsonIssueOf(result);
    if (issue === undefined) return JSON.stringify(result);
    throw new TypeError(
      `The handler's result ${issue.path.length > 0 ? `at ${issue.path.join(".")} ` : ""}${issue.message}.`,
    );
  }

  /** The handler has thrown, or must not go on. */
  fail(error: unknown, wish?: FailOptions): void {
    if (!this.handling) return;
    this.#settle(this.#committed ? { verb: "committed", error } : judge(this, error, this.#reason, wish));
  }

  loseLease(): Error {
    const lost = new LeaseLostError(`The lease of ${this} has passed to another worker.`, this.name);
    this.abort(lost);
    return this.#reason ?? lost;
  }

  stop(): void {
    this.abort(new WorkerStoppingError(`The worker is stopping; ${this} is handed back.`, this.name));
  }

  /** Ends it where it has run for longer than it may. */
  checkTimeout(now: number): void {
    const { timeoutMs } = this.handler.jobType;
    if (this.handling && this.startedAt !== undefined && now - this.startedAt >= timeoutMs)
      this.abort(
        new JobTimeoutError(`The attempt took longer than the ${timeoutMs} ms of its timeoutMs.`, this.name),
      );
  }

  /** Aborts the handler's signal; what it does from now on is in vain. */
  abort(reason: PillionError): void {
    if (!this.handling || this.#reason !== undefined) return;
    this.#reason = reason;
    this.#abort?.abort(reason);
    // A handler that goes on after its commit is not waited for.
    if (this.#committed) this.#settle({ verb: "committed" });
    else if (this.#onEnd) this.fail(reason);
  }

  /** What the handler is given, once its payload is valid. */
  activeJob(payload: unknown): ActiveJob {
    return new RunningJob(this, payload);
  }

  #handle(): unknown {
    const validated = this.validate();
    return isThenable(validated)
      ? validated.then((payload) => this.handler.run(this.activeJob(payload) as ActiveJob<never>, this))
      : this.handler.run(this.activeJob(validated) as ActiveJob<never>, this);
  }

  /** The payload as the schema's output, or a promise of it. @throws InvalidJobError */
  validate(): unknown {
    const validated = this.handler.jobType.schema["~standard"].validate(this.job.payload);
    return isThenable(validated) ? validated.then((result) => this.#output(result)) : this.#output(validated);
  }

  #output(validated: {
    readonly issues?: readonly { readonly message: string }[] | undefined;
    readonly value?: unknown;
  }): unknown {
    if (!validated.issues) return validated.value;
    throw new InvalidJobError(
      `The payload is not valid for this worker: ${validated.issues.map((issue) => issue.message).join("; ")}`,
      this.name,
      validated.issues.map(({ message }) => ({ message, path: [] })),
    );
  }

  /** Whether the time by which it was to start has passed: at its claim, or while it waited here. */
  #isLate(now: number): boolean {
    const startInMs = this.job.more?.startInMs ?? null;
    return startInMs !== null && now - this.claimedAt > startInMs;
  }

  #settle(outcome: Outcome): void {
    this.handling = false;
    this.#onEnd!(this, outcome);
  }
}

class RunningJob implements ActiveJob {
  readonly #attempt: Attempt;
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  readonly attempt: number;
  readonly maxAttempts: number;

  constructor(
    attempt: Attempt,
    readonly payload: unknown,
  ) {
    this.#attempt = attempt;
    this.id = attempt.id;
    this.name = attempt.name;
    this.queue = attempt.job.queue;
    this.attempt = attempt.number;
    this.maxAttempts = attempt.maxAttempts;
  }

  get headers(): Readonly<Record<string, unknown>> {
    return this.#attempt.job.more?.headers ?? {};
  }

  get partitionKey(): string | undefined {
    return this.#attempt.job.more?.partitionKey ?? undefined;
  }

  get createdAt(): Date {
    return new Date(this.#attempt.job.createdAt);
  }

  get runAt(): Date {
    return new Date(this.#attempt.job.more?.runAt ?? this.#attempt.job.createdAt);
  }

  get signal(): AbortSignal {
    return this.#attempt.signal;
  }

  snooze({ delayMs }: { readonly delayMs: number }): Snooze {
    return new Snooze(delayMs);
  }
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
