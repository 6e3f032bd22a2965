import { InvalidRequestError } from "../errors.ts";
import { type Changed, filterText, type JobFilter } from "../job/filter.ts";
import { type Time, timeText } from "../job/time.ts";
import { show } from "../show.ts";
import type { Link } from "../worker/link.ts";

/** How many jobs a verb has changed. */
export interface Count {
  readonly count: number;
}

/** How a verb on many jobs is followed. */
export interface Progress {
  /** Called after each statement, with the number of jobs changed so far. */
  readonly onProgress?: ((count: number) => void) | undefined;
}

/** The verbs on jobs, committed by themselves: with a filter, up to 10,000 jobs at a time until none is left. */
export interface JobVerbs {
  /** Ends jobs that wait as `cancelled`, and has those that run told to stop. */
  cancel(idOrFilter: string | JobFilter, progress?: Progress): Promise<Count>;
  /** Brings back jobs that have ended, or wait for another attempt: without `ids` or `state`, those that have failed. */
  retry(idOrFilter: string | JobFilter, progress?: Progress): Promise<Count>;
  /** Moves jobs that wait to another time. */
  reschedule(idOrFilter: string | JobFilter, time: Time, progress?: Progress): Promise<Count>;
  /** Brings back dead jobs: all of them, or those of the filter. */
  redrive(filter?: Omit<JobFilter, "state"> | undefined, progress?: Progress): Promise<Count>;
  /** Ends the waiting jobs of a queue, or of a filter, as `cancelled`: they stay in the archive. What runs goes on. */
  purge(queueOrFilter: string | Omit<JobFilter, "state">, progress?: Progress): Promise<Count>;
}

type Statement = "cancelJobs" | "retryJobs" | "rescheduleJobs";

export function jobVerbs(link: Link): JobVerbs {
  /** Goes on by id, so that a job is changed once, even where it matches the filter again afterwards. */
  async function all(
    statement: Statement,
    filter: string,
    progress: Progress | undefined,
    time: { runAt: string | null; delayMs: string | null } = { runAt: null, delayMs: null },
  ): Promise<Count> {
    let count = 0;
    let input = { filter, guarded: false, pin: null, ...time };
    for (;;) {
      const [row] = await link.run(link.engine[statement], input);
      const { ids, next } = JSON.parse(row!.answer!) as Changed;
      count += ids.length;
      progress?.onProgress?.(count);
      if (next === null) return { count };
      input = { ...input, filter: JSON.stringify({ ...JSON.parse(filter), after: next }) };
    }
  }

  function without(verb: string, filter: unknown): JobFilter {
    if (typeof filter !== "object" || filter === null || "state" in filter)
      throw new InvalidRequestError(
        `${verb}: got ${typeof filter === "object" && filter !== null ? "a filter with a state" : show(filter)}. It takes a filter without a state.`,
      );
    return filter;
  }

  return {
    cancel: async (target, progress) => all("cancelJobs", filterText("cancel", target), progress),
    retry: async (target, progress) => all("retryJobs", filterText("retry", target), progress),
    reschedule: async (target, time, progress) =>
      all("rescheduleJobs", filterText("reschedule", target), progress, timeText(time)),
    redrive: async (filter = {}, progress) =>
      all("retryJobs", filterText("redrive", { ...without("redrive", filter), state: "dead" }), progress),
    async purge(target, progress) {
      const filter = typeof target === "string" ? { queue: target } : without("purge", target);
      // Not the states alone: a purge of everything is more than anybody means.
      filterText("purge", filter);
      return all("cancelJobs", filterText("purge", { ...filter, state: ["scheduled", "ready"] }), progress);
    },
  };
}
