import { defaults } from "../defaults.ts";
import { type Diagnosis, diagnose } from "../doctor/diagnose.ts";
import type { DiagnoseLimits } from "../doctor/limits.ts";
import { InvalidConfigurationError } from "../errors.ts";
import { filterText, type JobFilter } from "../job/filter.ts";
import type { Enqueued } from "../job/job.ts";
import type { Job, JobType } from "../job/type.ts";
import { type DatabaseOption, toDatabase } from "../worker/connect.ts";
import { Link } from "../worker/link.ts";
import { type JobVerbs, jobVerbs } from "./change-jobs.ts";
import { checkSchema } from "./check-schema.ts";
import { type DeadVerbs, deadVerbs } from "./dead-groups.ts";
import { enqueueByItself } from "./enqueue.ts";
import { type EventVerbs, eventVerbs } from "./events.ts";
import { type FoundJob, type JobRecord, type JobSummary, toRecord, toSummary } from "./job-record.ts";
import { type LookVerbs, lookVerbs } from "./look-for-jobs.ts";
import { type Paging, pagingOf } from "./paging.ts";
import { type QueueVerbs, queueVerbs } from "./queues.ts";
import { type ScheduleAdmin, scheduleAdmin } from "./schedules.ts";
import { type Throughput, throughputVerb } from "./throughput.ts";
import { type TopicVerbs, topicVerbs } from "./topics.ts";
import { type WaitOptions, waitFor } from "./wait-for.ts";
import { Watch } from "./watch.ts";
import { type WorkerVerbs, workerVerbs } from "./workers.ts";

/** A view of the queues, and hands for tools. Made by `createAdmin`. */
export interface Admin
  extends JobVerbs,
    QueueVerbs,
    LookVerbs,
    Throughput,
    TopicVerbs,
    EventVerbs,
    WorkerVerbs,
    DeadVerbs {
  /** The schema that holds the queue's tables. */
  readonly schema: string;
  /**
   * What happened to this job, its attempts, steps and children; undefined where there is none of this id, or none any
   * more. @throws InvalidConfigurationError for what is no id
   */
  job(id: string): Promise<JobRecord | undefined>;
  /**
   * Jobs in every state, the newest first; `{}` for all. What matches rarely is looked for in all jobs that there are:
   * `lookForJobs` is for lists that people turn over. @throws InvalidRequestError
   */
  jobs(filter: JobFilter, paging?: Paging): Promise<readonly JobSummary[]>;
  /**
   * Waits until this job has ended, and answers its result, validated by the type's `result`; undefined where it has
   * none. It looks at growing gaps, at least twice a second; all waits of this object share one statement. The job must
   * be committed: to wait inside the transaction that enqueued it would be to wait for ever.
   *
   * @throws JobDeadError with the error that is stored, JobCancelledError, JobNotFoundError, InvalidResultError,
   *   WaitTimeoutError after `timeoutMs`, the signal's reason, InvalidConfigurationError where the job is of another type
   */
  waitFor<Input, Output, Result>(
    id: string,
    jobType: JobType<Input, Output, Result>,
    options?: WaitOptions,
  ): Promise<Result>;
  /** Enqueues a job outside any transaction: it is committed when the promise resolves. @throws InvalidJobError */
  enqueue(job: Job): Promise<Enqueued>;
  /**
   * Looks whether the schema is the one that this release was made for. A role that may not read its version is let
   * pass.
   *
   * @throws SchemaOutdatedError where it is missing, older or newer
   */
  checkSchema(): Promise<void>;
  /**
   * What is not as it should be with the queue and its database: `diagnose`, on a connection of its own.
   *
   * @throws InvalidConfigurationError where the database cannot open one
   */
  diagnose(limits?: Partial<DiagnoseLimits>): Promise<Diagnosis>;
  /** Schedules at run time. */
  readonly schedules: ScheduleAdmin;
  /** Closes what was opened for this object. */
  close(): Promise<void>;
}

/** Looks at the queues from outside, and acts on them. Does no I/O until it is asked something. */
export function createAdmin(options: { database: DatabaseOption; schema?: string | undefined }): Admin {
  const database = toDatabase(options.database);
  const schema = options.schema ?? defaults.schema;
  const link = new Link(database, schema);
  const watch = new Watch(link);
  return {
    ...jobVerbs(link),
    ...queueVerbs(link),
    ...lookVerbs(link),
    ...throughputVerb(link),
    ...topicVerbs(link),
    ...eventVerbs(link),
    ...workerVerbs(link),
    ...deadVerbs(link),
    schema,
    async job(id) {
      if (!/^\d{1,18}$/.test(id))
        throw new InvalidConfigurationError(`A job id is a whole number as text; got ${JSON.stringify(id)}.`);
      const row = (await link.run(link.engine.findJob, { id }))[0];
      return row && toRecord(row as unknown as FoundJob);
    },
    async jobs(filter, paging = {}) {
      const { limit, before } = pagingOf("jobs", paging);
      const text = JSON.stringify({ ...JSON.parse(filterText("jobs", filter, true)), before });
      const rows = await link.run(link.engine.listJobs, { filter: text, limit });
      return rows.map((row) => toSummary(JSON.parse(row.job!)));
    },
    enqueue: (job) => enqueueByItself(link, job),
    checkSchema: () => checkSchema(link),
    waitFor: (id, jobType, waitOptions) => waitFor(watch, id, jobType, waitOptions),
    diagnose: (limits = {}) => diagnose({ ...limits, database: options.database, schema }),
    schedules: scheduleAdmin(link),
    async close() {
      watch.close(new InvalidConfigurationError("waitFor: this admin was closed while it waited."));
      await database.close?.();
    },
  };
}
