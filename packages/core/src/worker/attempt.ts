import {
  DiscardError,
  InvalidJobError,
  JobTimeoutError,
  LeaseLostError,
  PillionError,
  RetryError,
  WorkerStoppingError,
} from "../errors.ts";
import { backoffDelayMs } from "../job/backoff.ts";
import { jsonIssueOf } from "../json.ts";
import type { StoredError } from "../postgres/discard.ts";
import type { Row } from "../statement.ts";
import type { ActiveJob, Handler } from "./handler.ts";

/** What is to be written of an attempt that has ended; `nothing` where the job is another's by now. */
export type Outcome =
  | { readonly verb: "complete"; readonly result: unknown }
  | { readonly verb: "retry"; readonly delayMs: number; readonly error: StoredError }
  | { readonly verb: "discard"; readonly error: StoredError }
  | { readonly verb: "release" }
  | { readonly verb: "nothing" };

/** One run of one job by this worker. */
export class Attempt {
  readonly id: string;
  readonly claim: string;
  readonly number: number;
  readonly maxAttempts: number;
  readonly claimedAt = performance.now();
  /** False once the handler has ended: the outcome is being written. */
  handling = true;
  readonly #abort = new AbortController();
  readonly #row: Row;

  constructor(
    row: Row,
    readonly handler: Handler,
  ) {
    this.#row = row;
    this.id = row.id!;
    this.claim = row.claim!;
    this.number = Number(row.attempt);
    this.maxAttempts = row.max_attempts == null ? handler.jobType.maxAttempts : Number(row.max_attempts);
  }

  get name(): string {
    return this.handler.jobType.name;
  }

  /** `job 12 "mail.send" (attempt 2 of 8)` */
  toString(): string {
    return `job ${this.id} "${this.name}" (attempt ${this.number} of ${this.maxAttempts})`;
  }

  loseLease(): void {
    this.#abort.abort(new LeaseLostError(`The lease of ${this} has passed to another worker.`, this.name));
  }

  stop(): void {
    this.#abort.abort(new WorkerStoppingError(`The worker is stopping; ${this} is handed back.`, this.name));
  }

  async run(): Promise<Outcome> {
    const { handler, name, number, maxAttempts } = this;
    // A worker that died in its last attempt was not there to say so.
    if (number > maxAttempts)
      return {
        verb: "discard",
        error: toStoredError(
          new Error(`The job was started ${maxAttempts} times, and no worker lived to end it.`),
        ),
      };
    const { timeoutMs } = handler.jobType;
    const timer = setTimeout(
      () =>
        this.#abort.abort(
          new JobTimeoutError(`The attempt took longer than the ${timeoutMs} ms of its timeoutMs.`, name),
        ),
      timeoutMs,
    );
    const { signal } = this.#abort;
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    aborted.catch(() => {});
    try {
      if (signal.aborted) throw signal.reason;
      return { verb: "complete", result: await Promise.race([this.#handle(), aborted]) };
    } catch (error) {
      return this.#judge(error);
    } finally {
      clearTimeout(timer);
      this.handling = false;
    }
  }

  async #handle(): Promise<unknown> {
    const row = this.#row;
    const { jobType, run } = this.handler;
    const validated = await jobType.schema["~standard"].validate(JSON.parse(row.payload!));
    if (validated.issues)
      throw new InvalidJobError(
        `The payload is not valid for this worker: ${validated.issues.map((issue) => issue.message).join("; ")}`,
        this.name,
        validated.issues.map(({ message }) => ({ message, path: [] })),
      );
    const job: ActiveJob = {
      id: this.id,
      name: this.name,
      queue: row.queue!,
      payload: validated.value,
      attempt: this.number,
      maxAttempts: this.maxAttempts,
      headers: row.headers == null ? {} : JSON.parse(row.headers),
      createdAt: new Date(row.created_at!),
      runAt: new Date(row.run_at!),
      signal: this.#abort.signal,
    };
    const result = await run(job as ActiveJob<never>);
    if (jobType.resultSchema === undefined || result === undefined) return undefined;
    const issue = jsonIssueOf(result);
    if (issue !== undefined)
      throw new TypeError(
        `The handler's result ${issue.path.length > 0 ? `at ${issue.path.join(".")} ` : ""}${issue.message}.`,
      );
    return result;
  }

  #judge(error: unknown): Outcome {
    const { jobType } = this.handler;
    const code = PillionError.is(error) ? error.code : undefined;
    if (code === "LEASE_LOST" && error === this.#abort.signal.reason) return { verb: "nothing" };
    if (code === "WORKER_STOPPING" && error === this.#abort.signal.reason) return { verb: "release" };
    const stored = toStoredError(error);
    // What is invalid now will be invalid in the next attempt too.
    if (code === "DISCARD" || error instanceof DiscardError || error instanceof InvalidJobError)
      return { verb: "discard", error: stored };
    const asked = code === "RETRY" || error instanceof RetryError;
    if (this.number >= this.maxAttempts || (!asked && this.#decide(error) === "discard"))
      return { verb: "discard", error: stored };
    const delayMs =
      (asked ? (error as RetryError).delayMs : undefined) ?? backoffDelayMs(jobType.backoff, this.number);
    return { verb: "retry", delayMs, error: stored };
  }

  /** A decision that throws is no decision: the job is tried again. */
  #decide(error: unknown): "retry" | "discard" {
    try {
      return this.handler.jobType.retry(error);
    } catch {
      return "retry";
    }
  }
}

/** An error as the history keeps it: short enough for a row, and without what Postgres cannot store. */
function toStoredError(error: unknown): StoredError {
  const text = (value: unknown, most: number) =>
    String(value).slice(0, most).replaceAll("\u0000", "").toWellFormed();
  if (!(error instanceof Error)) return { name: "Thrown", message: text(describe(error), 10_000) };
  const { code } = error as { code?: unknown };
  return {
    name: text(error.name, 200),
    message: text(error.message, 10_000),
    ...(error.stack === undefined ? {} : { stack: text(error.stack, 20_000) }),
    ...(code === undefined ? {} : { code: text(code, 200) }),
  };
}

function describe(value: unknown): string {
  try {
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  } catch {
    return "a value that has no text";
  }
}
