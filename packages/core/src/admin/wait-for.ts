import { resultContext } from "../codec/context.ts";
import { unseal } from "../codec/seal.ts";
import { defaults, limits } from "../defaults.ts";
import {
  InvalidConfigurationError,
  InvalidResultError,
  JobCancelledError,
  JobDeadError,
  JobNotFoundError,
  WaitTimeoutError,
} from "../errors.ts";
import { issuesIn } from "../job/refusal.ts";
import { isJobType, type JobType } from "../job/type.ts";
import { show } from "../show.ts";
import type { Row } from "../statement.ts";
import type { Watch } from "./watch.ts";

/** How long `waitFor` waits. */
export interface WaitOptions {
  /** Milliseconds until it gives up; default 60,000. 0 looks once. */
  readonly timeoutMs?: number | undefined;
  /** Ends the wait with its reason; the job goes on. */
  readonly signal?: AbortSignal | undefined;
}

/** The longest time that a timer of Node takes. */
const longestTimerMs = 2 ** 31 - 1;

export async function waitFor<Input, Output, Result>(
  watch: Watch,
  id: string,
  jobType: JobType<Input, Output, Result>,
  { timeoutMs = defaults.waitMs, signal }: WaitOptions = {},
): Promise<Result> {
  refuse(id, jobType, timeoutMs);
  signal?.throwIfAborted();
  const job = `job ${id} "${jobType.name}"`;
  let release = () => {};
  const abandoned = new Promise<never>((_, reject) => {
    const abort = () => reject(signal!.reason);
    signal?.addEventListener("abort", abort, { once: true });
    const expire = () =>
      reject(new WaitTimeoutError(`waitFor: ${job} has not ended within ${timeoutMs} ms.`, jobType.name));
    const timer = timeoutMs > 0 ? setTimeout(expire, Math.min(timeoutMs, longestTimerMs)) : undefined;
    release = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
  });
  try {
    const row = await watch.ending(id, jobType.name, abandoned, timeoutMs > 0);
    return await resultOf(row, id, jobType, timeoutMs);
  } finally {
    release();
  }
}

function refuse(id: unknown, jobType: unknown, timeoutMs: unknown): void {
  if (typeof id !== "string" || !/^\d{1,18}$/.test(id))
    throw new InvalidConfigurationError(`waitFor: a job id is a whole number as text; got ${show(id)}.`);
  if (!isJobType(jobType))
    throw new InvalidConfigurationError(`waitFor: got ${show(jobType)} where a job type is wanted.`);
  if (typeof timeoutMs !== "number" || !(timeoutMs >= 0 && timeoutMs <= limits.durationMs))
    throw new InvalidConfigurationError(
      `waitFor: timeoutMs is ${show(timeoutMs)}, not a number of milliseconds from 0 to ${limits.durationMs}.`,
    );
}

async function resultOf<Result>(
  row: Row | undefined,
  id: string,
  type: Pick<JobType<never, unknown, Result>, "name" | "version" | "resultSchema" | "codec">,
  timeoutMs: number,
): Promise<Result> {
  const { name, resultSchema, codec } = type;
  if (!row)
    throw new JobNotFoundError(
      `waitFor: there is no job ${id}. It was never committed, or the time for which it was kept is over.`,
      name,
    );
  if (row.name !== name)
    throw new InvalidConfigurationError(
      `waitFor: job ${id} is a job "${row.name}", and not a job "${name}".`,
    );
  const job = `Job ${id} "${name}"`;
  const error = row.error == null ? undefined : JSON.parse(row.error);
  switch (row.state) {
    case "dead":
      throw new JobDeadError(`${job} is dead: ${error.name}: ${error.message}`, name, error);
    case "cancelled":
      throw new JobCancelledError(`${job} was cancelled${error ? `: ${error.message}` : ""}.`, name);
    case "completed": {
      const stored: unknown =
        row.result == null
          ? undefined
          : await unseal(codec, resultContext(type), JSON.parse(row.result), `${job}: its result`, name);
      if (resultSchema === undefined) return stored as Result;
      const validated = await resultSchema["~standard"].validate(stored);
      if (!validated.issues) return validated.value;
      if (codec)
        throw new InvalidResultError(
          `${job} is completed, and its result is not valid for this job type (${issuesIn(validated.issues)}, which are not told, for they may quote what is secret)`,
          name,
          [],
        );
      const said = validated.issues.map(({ message }) => message).join("; ");
      throw new InvalidResultError(
        `${job} is completed, and its result is not valid for this job type: ${said}`,
        name,
        validated.issues.map(({ message, path = [] }) => ({
          message,
          path: path.map((segment) => (typeof segment === "object" ? segment.key : segment)),
        })),
      );
    }
    default:
      throw new WaitTimeoutError(`waitFor: job ${id} "${name}" has not ended within ${timeoutMs} ms.`, name);
  }
}
