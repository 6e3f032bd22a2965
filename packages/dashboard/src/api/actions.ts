import type { JobsFilter } from "./jobs.ts";
import type { QueueSettings } from "./queues.ts";

/** Every route that changes something: POST `api/actions/<name>`, with what it takes and what it answers. */
export interface Actions {
  /** Brings back jobs that have ended or wait for another attempt. */
  retry: { takes: JobsTarget; answers: Changed };
  /** Ends jobs that wait, and has those that run told to stop. */
  cancel: { takes: JobsTarget; answers: Changed };
  /** Moves jobs that wait to another time; `{ delayMs: 0 }` is "run now". */
  reschedule: { takes: JobsTarget & Time; answers: Changed };
  /** Brings back dead jobs: of one group of {@link DeadAnswer}, of a filter, or all of them (`{}`). */
  redrive: { takes: RedriveTarget; answers: Changed };
  /** Ends the waiting jobs of a queue as cancelled; what runs goes on. */
  purge: { takes: { queue: string } & Dry; answers: Changed };
  "pause-queue": { takes: { queue: string }; answers: { changed: boolean } };
  "resume-queue": { takes: { queue: string }; answers: { changed: boolean } };
  /** What is absent stays as it is, null clears it. */
  "set-queue": { takes: { queue: string; settings: Partial<QueueSettings> }; answers: { changed: true } };
  /** 404 NO_SUCH_SCHEDULE where there is none of this name: of these three. */
  "pause-schedule": { takes: { name: string }; answers: { changed: true } };
  "resume-schedule": { takes: { name: string }; answers: { changed: true } };
  /** Answers the id of the job that it has enqueued. */
  "run-schedule": { takes: { name: string }; answers: { changed: true; id: string } };
}
export type ActionName = keyof Actions;

/** `dryRun: true` changes nothing, and answers how many jobs would be changed now. */
export interface Dry {
  readonly dryRun?: boolean | undefined;
}
/** One of the two; the filter as in the URL of the list, and never empty. */
export type JobsTarget = Dry &
  (
    | { readonly ids: readonly string[]; readonly filter?: undefined }
    | { readonly ids?: undefined; readonly filter: JobsFilter }
  );
export type RedriveTarget = Dry & {
  /** The `key` of a {@link DeadGroup}. */
  readonly group?: string | undefined;
  readonly filter?: Omit<JobsFilter, "state"> | undefined;
};
/** One of the two: ISO text, or milliseconds from now by the database's clock. */
export type Time =
  | { readonly runAt: string; readonly delayMs?: undefined }
  | { readonly runAt?: undefined; readonly delayMs: number };

/** What an action has done, or would do. */
export interface Changed {
  /** So many jobs. With ids, fewer than were named: the state of the others does not allow it. */
  readonly count: number;
  readonly dryRun: boolean;
  /**
   * True where it stopped before all were looked at, after 100,000 jobs: the same call goes on; and of a dry run: there
   * may be more than `count`.
   */
  readonly more: boolean;
  /** Of the redrive of a group: some of them, the newest first, at most 50. */
  readonly ids?: readonly string[];
}
