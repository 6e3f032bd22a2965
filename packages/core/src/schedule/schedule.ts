import { defaults } from "../defaults.ts";
import { InvalidDefinitionError } from "../errors.ts";
import { nameIssueOf } from "../job/names.ts";
import { isJob } from "../job/row.ts";
import type { Job } from "../job/type.ts";
import { show } from "../show.ts";
import { cronIssueOf, intervalIssueOf } from "./timing.ts";

interface ScheduleBase {
  /** Unique in the database; 1 to 128 bytes. */
  readonly name: string;
  /**
   * The job that each slot gets. Of its options, `queue`, `priority`, `maxAttempts`, `partitionKey` and `headers` make
   * sense here.
   */
  readonly job: Job;
  /**
   * What becomes of slots for which no worker was there within a minute: `"runOnce"` (the default) enqueues one job for
   * all of them, `"skip"` none.
   */
  readonly missed?: "skip" | "runOnce" | undefined;
}

/** A schedule whose slots are those of a cron line. */
export interface CronSchedule extends ScheduleBase {
  /** Five fields (minute hour day month weekday), six with seconds first, or `@daily` and its like. */
  readonly cron: string;
  /** The IANA name of the zone whose clock the line means; default `UTC`. */
  readonly timeZone?: string | undefined;
  readonly everyMs?: undefined;
}

/** A schedule whose slots are at a fixed distance. */
export interface IntervalSchedule extends ScheduleBase {
  /** The slots are the whole multiples of this many milliseconds since 1970-01-01T00:00Z; at least 100. */
  readonly everyMs: number;
  readonly cron?: undefined;
  readonly timeZone?: undefined;
}

/** What is enqueued again and again, and when. */
export type Schedule = CronSchedule | IntervalSchedule;

const known = ["name", "job", "missed", "cron", "timeZone", "everyMs"];
const jobOptions = ["queue", "priority", "maxAttempts", "partitionKey", "headers"];

/**
 * Defines a schedule, for `createWorker({ schedules })` or `admin.schedules.set`. Each of its slots gets one job,
 * however many workers run.
 *
 * @throws InvalidDefinitionError for a cron line, time zone, interval or job that cannot work
 */
export function schedule(definition: Schedule): Schedule {
  const issue = scheduleIssueOf(definition);
  if (issue !== undefined) throw new InvalidDefinitionError(issue);
  return Object.freeze({ ...definition });
}

/** Says what is wrong with a schedule, if anything, in a sentence that names it. */
export function scheduleIssueOf(definition: unknown): string | undefined {
  if (typeof definition !== "object" || definition === null)
    return `A schedule is ${show(definition)}, not an object: { name, cron or everyMs, job }.`;
  const { name, job, missed, cron, timeZone, everyMs } = definition as Record<keyof Schedule, unknown>;
  const nameIssue = nameIssueOf(name);
  if (nameIssue !== undefined) return `The name of a schedule ${nameIssue}.`;
  const unknown = Object.keys(definition).find((key) => !known.includes(key));
  const issue =
    (unknown === undefined
      ? undefined
      : `it has the unknown option "${unknown}". Known: ${known.join(", ")}`) ??
    timingIssueOf(cron, timeZone, everyMs) ??
    (missed === undefined || missed === "skip" || missed === "runOnce"
      ? undefined
      : `its missed is ${show(missed)}, not "skip" or "runOnce"`) ??
    jobIssueOf(job);
  return issue && `Schedule ${show(name)}: ${issue}.`;
}

function timingIssueOf(cron: unknown, timeZone: unknown, everyMs: unknown): string | undefined {
  if (cron !== undefined && everyMs !== undefined) return "it has both cron and everyMs; give one of them";
  if (cron !== undefined) return cronIssueOf(cron, timeZone ?? defaults.timeZone);
  if (everyMs === undefined) return "it has neither cron nor everyMs";
  if (timeZone !== undefined) return "it has a timeZone, which is for cron lines, and everyMs";
  return intervalIssueOf(everyMs);
}

function jobIssueOf(job: unknown): string | undefined {
  if (!isJob(job)) return `its job is ${show(job)}. Pass a job: job: sendReport({ … })`;
  const options = job.options as Readonly<Record<string, unknown>>;
  const useless = Object.keys(options).find((key) => options[key] !== undefined && !jobOptions.includes(key));
  if (useless !== undefined)
    return `its job "${job.type.name}" has the option "${useless}", which a schedule's job cannot have. It can have: ${jobOptions.join(", ")}`;
  const own = Object.keys(job.options.headers ?? {}).find((key) => key.startsWith("pillion."));
  return (
    own && `its job "${job.type.name}" has the header "${own}"; names that begin with "pillion." are taken`
  );
}
