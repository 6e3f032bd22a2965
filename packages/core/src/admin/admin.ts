import { defaults } from "../defaults.ts";
import { InvalidConfigurationError, InvalidRequestError } from "../errors.ts";
import { filterText, type JobFilter } from "../job/filter.ts";
import { show } from "../show.ts";
import { type DatabaseOption, toDatabase } from "../worker/connect.ts";
import { Link } from "../worker/link.ts";
import { type JobVerbs, jobVerbs } from "./change-jobs.ts";
import { type JobRecord, type JobSummary, toRecord, toSummary } from "./job-record.ts";
import { type QueueVerbs, queueVerbs } from "./queues.ts";
import { type ScheduleAdmin, scheduleAdmin } from "./schedules.ts";
import { type TopicVerbs, topicVerbs } from "./topics.ts";

/** Which part of a list. */
export interface Paging {
  /** 1 to 1,000; default 50. */
  readonly limit?: number | undefined;
  /** Only jobs with a lower id: the last one of the page before. */
  readonly before?: string | undefined;
}

/** A view of the queues, and hands for tools. Made by `createAdmin`. */
export interface Admin extends JobVerbs, QueueVerbs, TopicVerbs {
  /** What happened to this job; undefined where there is none of this id. */
  job(id: string): Promise<JobRecord | undefined>;
  /** Jobs in every state, the newest first; `{}` for all. @throws InvalidRequestError */
  jobs(filter: JobFilter, paging?: Paging): Promise<readonly JobSummary[]>;
  /** Schedules at run time. */
  readonly schedules: ScheduleAdmin;
  /** Closes what was opened for this object. */
  close(): Promise<void>;
}

/** Looks at the queues from outside, and acts on them. Does no I/O until it is asked something. */
export function createAdmin(options: { database: DatabaseOption; schema?: string | undefined }): Admin {
  const database = toDatabase(options.database);
  const link = new Link(database, options.schema ?? defaults.schema);
  return {
    ...jobVerbs(link),
    ...queueVerbs(link),
    ...topicVerbs(link),
    async job(id) {
      if (!/^\d{1,18}$/.test(id))
        throw new InvalidConfigurationError(`A job id is a whole number as text; got ${JSON.stringify(id)}.`);
      const row = (await link.run(link.engine.findJob, { id }))[0];
      return row && toRecord(JSON.parse(row.job!), JSON.parse(row.attempts!));
    },
    async jobs(filter, { limit = 50, before } = {}) {
      if (!(Number.isInteger(limit) && limit >= 1 && limit <= 1_000))
        throw new InvalidRequestError(`jobs: limit is ${show(limit)}, not a whole number from 1 to 1000.`);
      if (before !== undefined && !/^\d{1,18}$/.test(before))
        throw new InvalidRequestError(`jobs: before is ${show(before)}, not the id of a job.`);
      const text = JSON.stringify({ ...JSON.parse(filterText("jobs", filter, true)), before });
      const rows = await link.run(link.engine.listJobs, { filter: text, limit });
      return rows.map((row) => toSummary(JSON.parse(row.job!)));
    },
    schedules: scheduleAdmin(link),
    close: async () => database.close?.(),
  };
}
