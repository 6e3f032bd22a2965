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
  /** Changes nothing, and answers how many jobs would be changed now. Needs the right to look at jobs. */
  readonly dryRun?: boolean | undefined;
  /** Ends it with the signal's reason, before the next statement; what is changed by then stays so. */
  readonly signal?: AbortSignal | undefined;
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

const subjects: Readonly<Record<Statement, readonly string[]>> = {
  cancelJobs: ["scheduled", "ready", "running"],
  retryJobs: ["scheduled", "dead"],
  rescheduleJobs: ["scheduled", "ready"],
};

export function jobVerbs(link: Link): JobVerbs {
  /** Goes on by id, so that a job is changed once, even where it matches the filter again afterwards. */
  async function all(
    statement: Statement,
    filter: string,
    progress: Progress | undefined,
    time: { runAt: string | null; delayMs: string | null } = { runAt: null, delayMs: null },
  ): Promise<Count> {
    const doing = { guarded: false, pin: null, ...time };
    const step = progress?.dryRun
      ? (text: string) => look(statement, text)
      : async (text: string) => {
          const [row] = await link.run(link.engine[statement], { filter: text, ...doing });
          const { ids, next } = JSON.parse(row!.answer!) as Changed;
          return { changed: ids.length, next };
        };
    let count = 0;
    for (let text = filter; ; ) {
      progress?.signal?.throwIfAborted();
      const { changed, next } = await step(text);
      count += changed;
      progress?.onProgress?.(count);
      if (next === null) return { count };
      text = JSON.stringify({ ...JSON.parse(filter), after: next });
    }
  }

  /** What a verb would change: the states are those that its function in the database takes. */
  async function look(statement: Statement, filter: string) {
    const { ids, state } = JSON.parse(filter) as JobFilter;
    const tried = statement === "retryJobs";
    const states =
      tried && (ids !== undefined || state !== undefined)
        ? ["scheduled", "dead", "cancelled", "completed"]
        : subjects[statement];
    const [row] = await link.run(link.engine.countJobs, { filter, states, tried });
    return { changed: Number(row!.count), next: row!.next ?? null };
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
