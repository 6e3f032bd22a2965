import { isEncrypted, isThenable } from "../../codec/seal.ts";
import { sayingNothing } from "../../codec/tellable.ts";
import { limits } from "../../defaults.ts";
import {
  InvalidJobError,
  JobTimeoutError,
  LeaseLostError,
  type PillionError,
  WorkerStoppingError,
} from "../../errors.ts";
import type { DurableJob } from "../../handler/durable.ts";
import type { OpenAttempt } from "../../handler/effects.ts";
import type { Around, Handler } from "../../handler/handler.ts";
import { Snooze } from "../../handler/snooze.ts";
import { issuesIn } from "../../job/refusal.ts";
import { jsonIssueOf } from "../../json.ts";
import type { ClaimedJob } from "../../postgres/claimed-job.ts";
import type { StoredError } from "../../postgres/discard.ts";
import type { Place } from "../../postgres/step.ts";
import { Contents } from "./contents.ts";
import type { StepLedger } from "./ledger.ts";
import { type FailOptions, judge, type Outcome, spent } from "./outcome.ts";
import { RunningJob } from "./running-job.ts";
import { Steps } from "./steps.ts";
import { withDetail } from "./withheld.ts";

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
  /** When its handler was called, and when it ended; undefined before. */
  startedAt: number | undefined;
  endedAt: number | undefined;
  #abort: AbortController | undefined;
  #reason: PillionError | undefined;
  #committed = false;
  #steps: Steps | undefined;
  #ledger: StepLedger | undefined;
  #onEnd: ((attempt: Attempt, outcome: Outcome) => void) | undefined;
  #onSettled: (() => void) | undefined;

  constructor(
    readonly job: ClaimedJob,
    readonly claim: string,
    readonly handler: Handler,
    readonly claimedAt: number,
    /** Opens what its steps are stored in. Throws where it can have none. */
    private readonly openLedger: (attempt: Attempt) => StepLedger,
    /** What is around the call of its handler, and who is told of it. */
    private readonly surroundings?: { readonly around: Around | undefined; onStart(attempt: Attempt): void },
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
    else this.surroundings?.onStart(this);
  }

  get startedMs(): number {
    return this.startedAt! - this.claimedAt;
  }

  get timeoutMs(): number {
    return this.handler.jobType.timeoutMs;
  }

  /** Made when they are asked for: most handlers never do. */
  get steps(): Steps {
    this.#steps ??= new Steps(this);
    return this.#steps;
  }

  get ledger(): StepLedger {
    this.#ledger ??= this.openLedger(this);
    return this.#ledger;
  }

  /** It waits for something, and gives its slot back meanwhile. */
  suspend(ms: number): void {
    if (this.handling)
      this.#settle({ verb: "snooze", delayMs: Math.min(Math.max(ms, 0), limits.durationMs) });
  }

  committed(): void {
    this.#committed = true;
  }

  /** The handler has returned. */
  end(value: unknown): void {
    if (!this.handling) return;
    if (!this.#committed && this.#steps && !(value instanceof Snooze))
      try {
        this.#steps.checkEnd();
      } catch (error) {
        this.fail(error);
        return;
      }
    if (this.#committed) this.#settle({ verb: "committed" });
    else if (value instanceof Snooze) this.#settle({ verb: "snooze", delayMs: value.delayMs });
    else if (this.handler.jobType.resultSchema === undefined || value === undefined)
      this.#settle({ verb: "complete", result: undefined });
    else this.#complete(value);
  }

  #complete(value: unknown): void {
    try {
      const text = this.resultText(value)!;
      if (this.handler.jobType.codec === undefined) {
        this.complete(value);
        return;
      }
      const sealed = this.#contents.sealResult(text);
      if (isThenable(sealed))
        sealed.then(
          (it) => this.complete(it),
          (error) => this.fail(error),
        );
      else this.complete(sealed);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Its result is to be stored as it is here. */
  complete(result: unknown): void {
    if (this.handling) this.#settle({ verb: "complete", result });
  }

  async storedResult(result: unknown): Promise<string | null> {
    const text = this.resultText(result);
    return text === null || this.handler.jobType.codec === undefined
      ? text
      : JSON.stringify(await this.#contents.sealResult(text));
  }

  async storedAnswer(step: string, text: string | null): Promise<string | null> {
    return text === null || this.handler.jobType.codec === undefined
      ? text
      : JSON.stringify(await this.#contents.sealAnswer(step, text));
  }

  /** What a step of an earlier attempt has answered. @throws CodecError */
  readAnswer(step: string, stored: unknown): unknown {
    return this.#isStoredClear(stored) ? stored : this.#contents.readAnswer(step, stored);
  }

  /** An error of an earlier attempt, with all that it said. @throws CodecError */
  async readError(stored: StoredError): Promise<StoredError> {
    return stored.encrypted === undefined
      ? stored
      : ((await this.#contents.readError(stored)) as StoredError);
  }

  /** What is stored of an error that may not be told to all. */
  storedError({ error, detail }: { readonly error: StoredError; readonly detail?: StoredError | undefined }) {
    return detail === undefined ? error : withDetail(this.handler.jobType, this.id, error, detail);
  }

  /** Most jobs are, and cost no more for those that are not. */
  #isStoredClear(stored: unknown): boolean {
    return this.handler.jobType.codec === undefined && !isEncrypted(stored);
  }

  get #contents(): Contents {
    return new Contents(this);
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
  activeJob(payload: unknown): DurableJob {
    return new RunningJob(this, payload);
  }

  #handle(): unknown {
    const validated = this.validate();
    const run = (payload: unknown) => {
      const job = this.activeJob(payload);
      const call = () => this.handler.run(job as DurableJob<never>, this);
      const around = this.surroundings?.around;
      return around === undefined ? call() : around([job], () => this.#untilSettled(call()));
    };
    if (this.job.more?.stepped)
      return Promise.all([validated, this.steps.load()]).then(([payload]) => run(payload));
    return isThenable(validated) ? validated.then(run) : run(validated);
  }

  /** A handler that falls asleep in a step, or goes on in vain, may never answer: what is around it ends all the same. */
  #untilSettled(returned: unknown): unknown {
    if (!isThenable(returned)) return returned;
    return new Promise((resolve, reject) => {
      this.#onSettled = () => (this.#reason === undefined ? resolve(undefined) : reject(this.#reason));
      returned.then(resolve, reject);
    });
  }

  /** The payload as the schema's output, or a promise of it. @throws InvalidJobError */
  validate(): unknown {
    const { payload } = this.job;
    if (this.#isStoredClear(payload)) return this.#validate(payload);
    const read = this.#contents.readPayload();
    return isThenable(read) ? read.then((payload) => this.#validate(payload)) : this.#validate(read);
  }

  #validate(payload: unknown): unknown {
    const validated = this.handler.jobType.schema["~standard"].validate(payload);
    return isThenable(validated) ? validated.then((result) => this.#output(result)) : this.#output(validated);
  }

  #output(validated: {
    readonly issues?: readonly { readonly message: string }[] | undefined;
    readonly value?: unknown;
  }): unknown {
    if (!validated.issues) return validated.value;
    if (this.handler.jobType.codec)
      throw sayingNothing(
        new InvalidJobError(
          `The payload is not valid for this worker (${issuesIn(validated.issues)}, which are not told, for they may quote what is secret)`,
          this.name,
        ),
      );
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
    this.#onSettled?.();
    this.#onEnd!(this, outcome);
  }
}
