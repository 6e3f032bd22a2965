import { sqlStateOf } from "@pillion/core";
import type { Count, Progress } from "@pillion/core/admin";
import { SingleBar } from "cli-progress";
import { confirm } from "./confirm.ts";
import { Failure, failureOf } from "./failure.ts";
import type { Shared } from "./options.ts";
import { jobs, number, styled } from "./output/text.ts";

export interface BulkOptions extends Shared {
  readonly dryRun?: true;
  readonly yes?: true;
}

/** What is said of a verb. */
interface Words {
  /** `cancelled`: what becomes of the jobs. */
  readonly done: string;
  /** How many there are to do, where they were named. */
  readonly of?: number | undefined;
  /** Asked before it begins; undefined where nothing is asked. */
  readonly question?: ((count: number) => string) | undefined;
}

/**
 * A verb on many jobs, in the bounded batches of core: counted and confirmed first where it is to be, followed by a bar on
 * a terminal. Ctrl-C ends it between two batches and tells how far it got.
 */
export async function bulk(
  { dryRun, yes, json }: BulkOptions,
  words: Words,
  verb: (progress: Progress) => Promise<Count>,
): Promise<void> {
  const { done, question } = words;
  if (dryRun) {
    const { count } = await verb({ dryRun: true });
    console.log(
      json ? JSON.stringify({ count, dryRun }) : `${jobs(count)} would be ${done}. Nothing was changed.`,
    );
    return;
  }
  const asks = question !== undefined && !yes;
  const total = asks || process.stderr.isTTY ? await counted(verb, asks) : undefined;
  if (asks && total! > 0) {
    // Nobody reads a question between two objects.
    if (json)
      throw new Failure("NOT_CONFIRMED", 7, `${question(total!)} Pass --yes for that. Nothing was changed.`);
    await confirm(question(total!));
  }
  const { count } = await followed(verb, done, total, json);
  console.log(json ? JSON.stringify({ count }) : outcome(count, words));
}

function outcome(count: number, { done, of }: Words): string {
  if (of !== undefined && count < of)
    return `${styled("yellow", "done:")} ${number(count)} of ${jobs(of)} ${done}; the state of the others does not allow it.`;
  if (count === 0) return "Nothing to do: there are no such jobs.";
  return `${styled("green", "done:")} ${jobs(count)} ${done}.`;
}

/** Undefined where the role may act on jobs and not look at them, unless the count is needed. */
async function counted(verb: (progress: Progress) => Promise<Count>, needed: boolean) {
  try {
    return (await verb({ dryRun: true })).count;
  } catch (error) {
    if (needed || sqlStateOf(error) !== "42501") throw error;
    return undefined;
  }
}

async function followed(
  verb: (progress: Progress) => Promise<Count>,
  done: string,
  total: number | undefined,
  json: true | undefined,
): Promise<Count> {
  const controller = new AbortController();
  let count = 0;
  const interrupt = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
    if (!json)
      console.error("\nStopping after the batch under way; Ctrl-C once more leaves without waiting for it.");
  };
  const bar = new SingleBar({
    stream: process.stderr,
    format: `{bar} {value} of {total} jobs ${done}`,
    clearOnComplete: true,
    gracefulExit: false,
    hideCursor: true,
  });
  if (total) bar.start(total, 0);
  process.on("SIGINT", interrupt);
  try {
    return await verb({
      signal: controller.signal,
      onProgress(changed) {
        count = changed;
        if (total) bar.update(changed);
      },
    });
  } catch (error) {
    if (controller.signal.aborted)
      throw new Failure("INTERRUPTED", 130, `Stopped: ${jobs(count)} ${done}, the others are as they were.`);
    const { code, exitCode, message } = failureOf(error);
    if (count > 0)
      throw new Failure(code, exitCode, `${message} By then ${jobs(count)} had been ${done}.`, {
        cause: error,
      });
    throw error;
  } finally {
    process.off("SIGINT", interrupt);
    bar.stop();
  }
}
