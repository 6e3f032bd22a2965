import { filterText, type JobFilter } from "../job/filter.ts";
import type { Link } from "../worker/link.ts";
import { type JobSummary, toSummary } from "./job-record.ts";
import { type Paging, pagingOf } from "./paging.ts";

/** A page of jobs, and how far was looked for them. */
export interface FoundJobs {
  /**
   * The newest first, without their payload, headers and result, whatever their size: they are undefined and null. Of an
   * error there is no stack, and at most 300 characters of its message.
   */
  readonly jobs: readonly JobSummary[];
  /** The `before` with which to go on; null where nothing lies further back. */
  readonly next: string | null;
  /** False where looking ended before the page was full: what was asked for is rare, and may be further back. */
  readonly complete: boolean;
  /** How many jobs were gone through. */
  readonly looked: number;
  /** When the last of them was enqueued; null where there was none. */
  readonly backTo: Date | null;
}

/** Looks for jobs at a bounded cost. */
export interface LookVerbs {
  /**
   * Jobs in every state, the newest first; `{}` for all. It goes through the jobs by their ids, at most 100,000 of them and for
   * about a tenth of a second: what is rare is looked for in as many calls as it takes. Of dead and cancelled jobs, and of
   * those that run, only such are gone through.
   *
   * @throws InvalidRequestError
   */
  lookForJobs(filter: Omit<JobFilter, "after">, paging?: Paging): Promise<FoundJobs>;
}

const [looks, ms] = [100_000, 100];

export function lookVerbs(link: Link): LookVerbs {
  return {
    async lookForJobs(filter, paging = {}) {
      const { limit, before = null } = pagingOf("lookForJobs", paging);
      const text = filterText("lookForJobs", filter, true);
      const [row] = await link.run(link.engine.lookThrough, { filter: text, before, limit, looks, ms });
      const backTo = JSON.parse(row!.back_to ?? "null");
      return {
        jobs: (JSON.parse(row!.jobs!) as Record<string, never>[]).map(toSummary),
        next: row!.next ?? null,
        complete: row!.complete === "true",
        looked: Number(row!.looked),
        backTo: backTo && new Date(backTo),
      };
    },
  };
}
