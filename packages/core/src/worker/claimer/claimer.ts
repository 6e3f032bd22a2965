import { limits } from "../../defaults.ts";
import { InvalidConfigurationError, InvalidJobError, InvalidRequestError } from "../../errors.ts";
import { Snooze } from "../../handler/snooze.ts";
import { jsonIssueOf } from "../../json.ts";
import { show } from "../../show.ts";
import type { FailOptions } from "../attempt/outcome.ts";
import { answerMs, toDatabase } from "../connect.ts";
import { mostAtOnce } from "../crew/claims.ts";
import { Link } from "../link.ts";
import { type ClaimerOptions, toClaimerSettings } from "./claimer-settings.ts";
import { Custody } from "./custody.ts";
import type { AnyJobType, HeldJob, HeldJobOf } from "./held-job.ts";

/** How much to claim. */
export interface ClaimOptions {
  /** How many jobs at most, from 1 to 500; default 1. */
  readonly limit?: number | undefined;
}

/** What has become of a job whose attempt failed. */
export interface FailResult {
  readonly dead: boolean;
  /** In how many milliseconds the next attempt may start; undefined where the job is dead. */
  readonly delayMs: number | undefined;
}

/**
 * Claims jobs for a loop of your own, where a worker's handlers do not fit. Made by `createClaimer`.
 *
 * It does nothing unasked: no timer, no heartbeat. Call `extend` more often than every `leaseMs`, or others take what
 * it holds: so a loop that hangs, and a process that is killed, lose their jobs to others. Whatever says what became
 * of a job resolves once that is written; while the database is away it is tried again. What has passed to another is
 * never written over: the call rejects with a LeaseLostError that names the job.
 */
export interface Claimer<Type extends AnyJobType = AnyJobType> {
  /**
   * Claims jobs that are ready, the highest priority first, under all limits of their queues; answers none where none
   * is ready. Their payloads are valid: a job whose payload is not, is dead, with the validator's message. Renews the
   * lease of all that it holds, and does what is due for all workers: scheduled jobs, schedules, silent workers' jobs.
   *
   * A job whose workers fell silent before is answered alone, once nothing else is held, or after one lease.
   * `timeoutMs` of its type does not count here; the loop decides how long it takes.
   *
   * @throws InvalidRequestError for a limit that is none; SchemaOutdatedError, or the driver's error: nothing is lost
   */
  claim(options?: ClaimOptions): Promise<readonly HeldJobOf<Type>[]>;
  /** Whether the job is of this type; the compiler then knows its payload. */
  is<One extends AnyJobType>(job: HeldJob, jobType: One): job is HeldJobOf<One>;
  /**
   * Renews the lease of all that it holds for another `leaseMs`, whichever job is named. The signals of those that have
   * passed to another, or that somebody has cancelled, abort.
   *
   * @throws LeaseLostError or JobCancelledError where the job that is named must not go on; the driver's error
   */
  extend(job?: HeldJob): Promise<void>;
  /**
   * Ends the job with success. The result is stored where its type has one.
   *
   * @throws LeaseLostError; JobCancelledError; InvalidRequestError for a job that is settled already or is none of its;
   * InvalidJobError for a result that is not JSON, CodecError for one that cannot be encrypted, with the job still held
   */
  complete<Result>(job: HeldJob<unknown, Result>, result?: NoInfer<Result>): Promise<void>;
  /**
   * Ends the attempt without success, as if a handler had thrown: tried again after its type's backoff, or after
   * `delayMs`; dead after its last attempt, with `discard`, with a DiscardError, or where its type's `retry` says so.
   *
   * @throws as `complete` does
   */
  fail(job: HeldJob, error: unknown, options?: FailOptions): Promise<FailResult>;
  /** Has the job run again after so many milliseconds, with no attempt used. @throws as `complete` does */
  snooze(job: HeldJob, options: { readonly delayMs: number }): Promise<void>;
  /** Hands the job back, ready at once for whoever comes, with no attempt used. @throws as `complete` does */
  release(job: HeldJob): Promise<void>;
  /** Hands back what it still holds, with no attempt used, and signs off. Idempotent. */
  stop(): Promise<void>;
}

/**
 * A claimer of these job types, for a loop of your own. Does no I/O until it claims.
 *
 * @throws InvalidConfigurationError for options that cannot work
 */
export function createClaimer<Type extends AnyJobType>(options: ClaimerOptions<Type>): Claimer<Type> {
  const settings = toClaimerSettings(options);
  const database = toDatabase(options.database, answerMs);
  const link = new Link(database, settings.schema);
  const custody = new Custody(link, settings);
  const { settlements } = custody;
  let opening: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;

  async function open(): Promise<void> {
    opening ??= link.open().then(() => custody.register());
    try {
      await opening;
    } catch (error) {
      opening = undefined;
      throw error;
    }
  }

  function mustNotBeStopped(verb: string): void {
    if (stopping)
      throw new InvalidConfigurationError(`${verb}: this claimer has been stopped; create another one.`);
  }

  return {
    async claim(asked) {
      const limit = limitOf(asked);
      mustNotBeStopped("claim");
      await open();
      mustNotBeStopped("claim");
      return (await custody.claim(limit)) as readonly HeldJobOf<Type>[];
    },
    is<One extends AnyJobType>(job: HeldJob, jobType: One): job is HeldJobOf<One> {
      const { name, version } = settlements.jobTypeOf("is", job);
      return name === jobType.name && version === jobType.version;
    },
    async extend(job) {
      const attempt = job === undefined ? undefined : settlements.attemptOf("extend", job);
      mustNotBeStopped("extend");
      // Before its first claim it holds nothing.
      if (!opening) return;
      await custody.renew();
      const loss = attempt && settlements.lossOf(attempt);
      if (loss) throw loss;
    },
    async complete(job, result) {
      const held = settlements.attemptOf("complete", job);
      const { resultSchema, codec } = held.handler.jobType;
      const issue = result === undefined || !resultSchema ? undefined : jsonIssueOf(result);
      if (issue)
        throw new InvalidJobError(
          `complete: the result of job ${job.id} "${job.name}" ${issue.path.length > 0 ? `at ${issue.path.join(".")} ` : ""}${issue.message}. The job is still held; complete it with a result that JSON can carry.`,
          job.name,
          [issue],
        );
      if (result === undefined || !resultSchema || !codec)
        await settlements.settle("complete", job, (attempt) => attempt.end(result));
      else {
        // Where it cannot be encrypted, the job is still held.
        const stored: unknown = JSON.parse((await held.storedResult(result))!);
        await settlements.settle("complete", job, (attempt) => attempt.complete(stored));
      }
    },
    async fail(job, error, wish = {}) {
      checkFailOptions(wish);
      const outcome = await settlements.settle("fail", job, (attempt) => attempt.fail(error, wish));
      return {
        dead: outcome.verb === "discard",
        delayMs: outcome.verb === "retry" ? outcome.delayMs : undefined,
      };
    },
    async snooze(job, asked) {
      const snooze = new Snooze(asked?.delayMs);
      await settlements.settle("snooze", job, (attempt) => attempt.end(snooze));
    },
    async release(job) {
      await settlements.settle("release", job, (attempt) => attempt.stop());
    },
    stop() {
      stopping ??= (async () => {
        const opened = await opening?.then(
          () => true,
          () => false,
        );
        if (opened) await custody.close();
        await database.close?.();
      })();
      return stopping;
    },
  };
}

function limitOf(options: ClaimOptions | undefined): number {
  for (const key of Object.keys(options ?? {}))
    if (key !== "limit") throw new InvalidRequestError(`claim: unknown option "${key}".`);
  const limit = options?.limit ?? 1;
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= mostAtOnce))
    throw new InvalidRequestError(
      `claim: limit is ${show(limit)}, not a whole number from 1 to ${mostAtOnce}. Nothing was claimed.`,
    );
  return limit;
}

function checkFailOptions(options: FailOptions): void {
  const refuse = (what: string): never => {
    throw new InvalidRequestError(`fail: ${what} The job is still held.`);
  };
  if (typeof options !== "object" || options === null)
    refuse(`the third argument is ${show(options)}, not an object: { delayMs } or { discard: true }.`);
  for (const key of Object.keys(options))
    if (key !== "delayMs" && key !== "discard") refuse(`unknown option "${key}".`);
  const { delayMs, discard } = options;
  if (delayMs !== undefined && !(typeof delayMs === "number" && delayMs >= 0 && delayMs <= limits.durationMs))
    refuse(`delayMs is ${show(delayMs)}, not a number of milliseconds from 0 to ${limits.durationMs}.`);
  if (discard !== undefined && typeof discard !== "boolean")
    refuse(`discard is ${show(discard)}, not true or false.`);
  if (discard && delayMs !== undefined)
    refuse("it cannot be discarded and tried again; drop one of the two.");
}
