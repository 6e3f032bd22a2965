import type { Ambient } from "../adapter/ambient.ts";
import { type Ground, guardedCall } from "../adapter/ground.ts";
import {
  type FailedJob,
  InvalidRequestError,
  JobsFailedError,
  NoSavepointsError,
  type RanJob,
} from "../errors.ts";
import type { Handler } from "../handler/handler.ts";
import { isJobType } from "../job/type.ts";
import type { ClaimedJob } from "../postgres/claimed-job.ts";
import type { EndHereInput } from "../postgres/here.ts";
import { show } from "../show.ts";
import type { Outcome } from "../worker/attempt/outcome.ts";
import { TestAttempt } from "./test-attempt.ts";

/** How far `runEnqueued` goes. */
export interface RunEnqueuedOptions {
  /** Jobs that are scheduled for this time, or before it, are due. The database's clock, where it is not later than that. */
  readonly now?: Date | undefined;
  /** How many jobs it runs before it takes them for an endless chain; default 1,000. */
  readonly maxJobs?: number | undefined;
}

/** What `runEnqueued` has done. */
export interface RunEnqueuedResult {
  /** Every job that it ran, in that order; one that waited in a step each time that it ran. */
  readonly ran: readonly RanJob[];
}

/** What start_here answers. */
interface Started {
  readonly claim: string;
  readonly job: Omit<ClaimedJob, "place" | "prefetched"> | null;
}

/** Makes the verb of an adapter. */
export function runEnqueuedOn<Tx extends object>(ground: Ground<Tx>) {
  const call = guardedCall(ground);

  /** Runs one job under savepoints of its own; what a failed one has written behind its last step is undone. */
  async function runJob(tx: Tx, { job, claim }: Started, handler: Handler, now: string | null) {
    const claimed: ClaimedJob = {
      ...job!,
      place: undefined,
      prefetched: false,
      more: { ...job!.more!, lost: 0, prefetched: false },
    };
    const attempt = new TestAttempt(claimed, claim, handler, ground, now);
    let outcome: Outcome | undefined;
    while (outcome === undefined)
      try {
        await ground.savepoint!(tx, async (inner) => {
          outcome = await attempt.run(inner);
          if (outcome?.verb === "retry" || outcome?.verb === "discard") throw new Undone();
        });
      } catch (error) {
        if (!(error instanceof Undone)) throw error;
      }
    return { attempt, outcome: outcome as Outcome };
  }

  return async (
    given: Tx | Ambient<Tx>,
    handlers: readonly Handler[],
    options: RunEnqueuedOptions = {},
  ): Promise<RunEnqueuedResult> => {
    const tx = ground.openTransaction("runEnqueued", given, "");
    if (!ground.savepoint)
      throw new NoSavepointsError(
        `${ground.name} runEnqueued: each job runs under a savepoint, so that one that fails leaves the transaction ` +
          `usable, and the adapter of ${ground.name} knows of none. expectEnqueued needs none.`,
      );
    const byType = handlersByType(handlers);
    const { now, maxJobs } = checkOptions(options);
    const ran: RanJob[] = [];
    const failed: FailedJob[] = [];
    const passed: string[] = [];
    const jobs = new Set<string>();
    let runs = 0;
    for (;;) {
      const input = { handled: [...byType.keys()], passed, now };
      const started: Started = await call("runEnqueued", tx, "", (doing) =>
        ground.engine.startHere({ ...input, ...doing }),
      );
      if (started.job === null) break;
      const { id, name, version } = started.job;
      jobs.add(id);
      if (runs++ === maxJobs)
        throw new InvalidRequestError(
          `runEnqueued: has run ${maxJobs} jobs, and job ${id} "${name}" is due too. A job that enqueues itself never ` +
            "comes to an end; if these are so many, pass a larger maxJobs.",
        );
      const { attempt, outcome } = await runJob(tx, started, byType.get(`${name}@${version}`)!, now);
      // What waits in a step goes on as soon as it waits for nothing any more, perhaps in this call.
      if (!attempt.asleep) passed.push(id);
      const end = await endOf(attempt, outcome);
      await ground.send(tx, ground.engine.endHere({ id, claim: started.claim, now, ...end }));
      const left = { id, name, attempt: attempt.number, state: stateAfter(end) };
      if (attempt.error === undefined)
        ran.push({ ...left, result: end.outcome === "completed" ? attempt.result : undefined });
      else failed.push({ ...left, error: attempt.error });
    }
    if (failed.length > 0) throw new JobsFailedError(failures(failed, jobs.size), failed, ran);
    return { ran };
  };
}

class Undone extends Error {}

function handlersByType(handlers: readonly Handler[]): Map<string, Handler> {
  if (!Array.isArray(handlers))
    throw new InvalidRequestError(
      `runEnqueued: handlers is ${show(handlers)}, not an array of what handle(…) or transactional(…) returned.`,
    );
  const byType = new Map<string, Handler>();
  for (const handler of handlers as Handler[]) {
    if (!isJobType(handler?.jobType) || typeof handler.run !== "function")
      throw new InvalidRequestError(
        `runEnqueued: ${show(handler)} is among the handlers, which is not what handle(…) or transactional(…) returned.`,
      );
    const { name, version } = handler.jobType;
    if (byType.has(`${name}@${version}`))
      throw new InvalidRequestError(`runEnqueued: job "${name}" version ${version} has two handlers.`);
    byType.set(`${name}@${version}`, handler);
  }
  return byType;
}

function checkOptions({ now, maxJobs = 1_000 }: RunEnqueuedOptions) {
  if (now !== undefined && !(now instanceof Date && !Number.isNaN(now.getTime())))
    throw new InvalidRequestError(`runEnqueued: now is ${show(now)}, not a valid Date.`);
  if (!(Number.isInteger(maxJobs) && maxJobs >= 1))
    throw new InvalidRequestError(`runEnqueued: maxJobs is ${show(maxJobs)}, not a whole number of jobs.`);
  return { now: now?.toISOString() ?? null, maxJobs };
}

type End = Pick<EndHereInput, "outcome" | "delayMs" | "detail">;

/** What is written of a job that has run. */
async function endOf(
  attempt: Pick<TestAttempt<object>, "result" | "storedResult" | "storedError">,
  outcome: Outcome,
): Promise<End> {
  const said = async (failed: Parameters<typeof attempt.storedError>[0]) =>
    JSON.stringify(await attempt.storedError(failed));
  switch (outcome.verb) {
    case "retry":
      return { outcome: "failed", delayMs: outcome.delayMs, detail: await said(outcome) };
    case "discard":
      return { outcome: "dead", delayMs: 0, detail: await said(outcome) };
    case "snooze":
      return { outcome: "snoozed", delayMs: outcome.delayMs, detail: null };
    case "expire":
      return { outcome: "cancelled", delayMs: 0, detail: null };
    default:
      return { outcome: "completed", delayMs: 0, detail: await attempt.storedResult(attempt.result) };
  }
}

function stateAfter({ outcome, delayMs }: End): RanJob["state"] {
  if (outcome !== "failed" && outcome !== "snoozed") return outcome;
  return delayMs > 0 ? "scheduled" : "ready";
}

function failures(failed: readonly FailedJob[], all: number): string {
  const lines = failed.map(({ id, name, attempt, state, error }) => {
    const after = state === "completed" ? "after its commit, " : "";
    return `\n  job ${id} "${name}" (attempt ${attempt}, ${after}now ${state}): ${String(error)}`;
  });
  return (
    `runEnqueued: ${failed.length} of ${all} jobs failed. What they wrote is rolled back, but for steps that had ended, ` +
    `and the transaction goes on.${lines.join("")}`
  );
}
