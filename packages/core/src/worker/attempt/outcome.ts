import { isTellable } from "../../codec/tellable.ts";
import { DiscardError, InvalidJobError, PillionError, RetryError } from "../../errors.ts";
import { backoffDelayMs } from "../../job/backoff.ts";
import type { StoredError } from "../../postgres/discard.ts";
import type { Attempt } from "./attempt.ts";
import { withheld } from "./withheld.ts";

/** What is to be written of an attempt that has ended; `nothing` where the job is another's by now. */
export type Outcome =
  | { readonly verb: "complete"; readonly result: unknown }
  /** `detail`: what the error says, where all that may be said of it is `error`. */
  | {
      readonly verb: "retry";
      readonly delayMs: number;
      readonly error: StoredError;
      readonly detail?: StoredError | undefined;
    }
  | { readonly verb: "discard"; readonly error: StoredError; readonly detail?: StoredError | undefined }
  | { readonly verb: "cancel"; readonly error: StoredError }
  | { readonly verb: "expire" }
  | { readonly verb: "snooze"; readonly delayMs: number }
  | { readonly verb: "release" }
  /** The handler has committed its completion itself; `error`: and has thrown after that. */
  | { readonly verb: "committed"; readonly error?: unknown }
  | { readonly verb: "nothing" };

/** What the job's record calls an attempt with that outcome. */
export const recorded = {
  complete: "completed",
  committed: "completed",
  retry: "failed",
  discard: "dead",
  cancel: "cancelled",
  expire: "cancelled",
  snooze: "snoozed",
  release: "released",
  nothing: "lost",
} as const satisfies Record<Outcome["verb"], string>;

/**
 * What became of an outcome that was to be written. `lost`: another has the job, and nothing was written. `unknown`:
 * whoever wrote it gave up before an answer.
 */
export type Written = "done" | "lost" | "unknown";

/** What whoever says that an attempt has failed decides about the next one; else its job type does. */
export interface FailOptions {
  /** When the next attempt may start, in milliseconds from now. */
  readonly delayMs?: number | undefined;
  /** True: there is no next attempt, the job is dead. */
  readonly discard?: boolean | undefined;
}

/** What an error makes of an attempt. `reason` is why its signal was aborted, if it was. */
export function judge(
  { handler: { jobType }, number, maxAttempts }: Attempt,
  error: unknown,
  reason: unknown,
  wish: FailOptions = {},
): Outcome {
  const code = PillionError.is(error) ? error.code : undefined;
  if (error === reason) {
    if (code === "LEASE_LOST") return { verb: "nothing" };
    if (code === "WORKER_STOPPING") return { verb: "release" };
    if (code === "JOB_CANCELLED") return { verb: "cancel", error: toStoredError(error) };
  }
  const detail = toStoredError(error);
  const stored =
    error === reason || isTellable(jobType, error)
      ? { error: detail }
      : { error: withheld(error, detail), detail };
  // What is invalid now will be invalid in the next attempt too, and what was changed stays unreadable.
  if (
    wish.discard ||
    code === "DISCARD" ||
    error instanceof DiscardError ||
    error instanceof InvalidJobError ||
    (code === "CODEC_FAILED" && !(error as PillionError).retryable)
  )
    return { verb: "discard", ...stored };
  const asked = code === "RETRY" || error instanceof RetryError;
  if (
    number >= maxAttempts ||
    (!asked && wish.delayMs === undefined && decide(jobType.retry, error) === "discard")
  )
    return { verb: "discard", ...stored };
  const delayMs =
    wish.delayMs ??
    (asked ? (error as RetryError).delayMs : undefined) ??
    backoffDelayMs(jobType.backoff, number);
  return { verb: "retry", delayMs, ...stored };
}

/** A job whose worker died in its last attempt. */
export function spent(maxAttempts: number): Outcome {
  return {
    verb: "discard",
    error: toStoredError(
      new Error(`The job was started ${maxAttempts} times, and no worker lived to end it.`),
    ),
  };
}

/** A decision that throws is no decision: the job is tried again. */
function decide(retry: (error: unknown) => "retry" | "discard", error: unknown): "retry" | "discard" {
  try {
    return retry(error);
  } catch {
    return "retry";
  }
}

/** An error as the history keeps it: short enough for a row, and without what Postgres cannot store. */
export function toStoredError(error: unknown): StoredError {
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
