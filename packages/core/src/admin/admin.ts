import { defaults } from "../defaults.ts";
import { InvalidConfigurationError } from "../errors.ts";
import type { JobState } from "../job/job.ts";
import { type DatabaseOption, toDatabase } from "../worker/connect.ts";
import { Link } from "../worker/link.ts";
import { type ScheduleAdmin, scheduleAdmin } from "./schedules.ts";

/** One attempt of a job. Times are by the database's clock. */
export interface AttemptRecord {
  readonly attempt: number;
  /** Host and process of the worker. */
  readonly worker: string;
  readonly startedAt: Date;
  /** Null while it runs. */
  readonly finishedAt: Date | null;
  /** `lost`: its worker fell silent. `released`: its worker stopped and handed the job back. */
  readonly outcome: "running" | "completed" | "dead" | "cancelled" | "failed" | "lost" | "released";
  readonly error: {
    readonly name: string;
    readonly message: string;
    readonly stack?: string;
    readonly code?: string;
  } | null;
}

/** All that is known of one job, before, while and after it runs. */
export interface JobRecord {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly queue: string;
  readonly state: JobState;
  readonly priority: number;
  readonly attempt: number;
  readonly maxAttempts: number | null;
  readonly createdAt: Date;
  readonly runAt: Date;
  /** Not started by then, it is cancelled instead. */
  readonly startBefore: Date | null;
  readonly finishedAt: Date | null;
  readonly uniqueKey: string | null;
  readonly partitionKey: string | null;
  readonly payload: unknown;
  readonly headers: Readonly<Record<string, unknown>> | null;
  readonly result: unknown;
  /** Every attempt, the first first. */
  readonly attempts: readonly AttemptRecord[];
}

/** A view of one queue, for tools. Made by `createAdmin`. */
export interface Admin {
  /** What happened to this job; undefined where there is none of this id. */
  job(id: string): Promise<JobRecord | undefined>;
  /** Schedules at run time. */
  readonly schedules: ScheduleAdmin;
  /** Closes what was opened for this object. */
  close(): Promise<void>;
}

/** Looks at a queue from outside. Does no I/O until it is asked something. */
export function createAdmin(options: { database: DatabaseOption; schema?: string | undefined }): Admin {
  const database = toDatabase(options.database);
  const link = new Link(database, options.schema ?? defaults.schema);
  return {
    async job(id) {
      if (!/^\d{1,18}$/.test(id))
        throw new InvalidConfigurationError(`A job id is a whole number as text; got ${JSON.stringify(id)}.`);
      const row = (await link.run(link.engine.findJob, { id }))[0];
      return row && toRecord(JSON.parse(row.job!), JSON.parse(row.attempts!));
    },
    schedules: scheduleAdmin(link),
    close: async () => database.close?.(),
  };
}

function toRecord(job: Record<string, never>, attempts: readonly Record<string, never>[]): JobRecord {
  const date = (value: string | null) => (value === null ? null : new Date(value));
  return {
    id: String(job.id),
    name: job.name!,
    version: job.version!,
    queue: job.queue!,
    state: job.state!,
    priority: job.priority!,
    attempt: job.attempt!,
    maxAttempts: job.max_attempts ?? null,
    createdAt: new Date(job.created_at!),
    runAt: new Date(job.run_at!),
    startBefore: date(job.start_before ?? null),
    finishedAt: date(job.finished_at ?? null),
    uniqueKey: job.unique_key ?? null,
    partitionKey: job.partition_key ?? null,
    payload: job.payload,
    headers: job.headers ?? null,
    result: job.result ?? null,
    attempts: attempts.map((attempt) => ({
      attempt: attempt.attempt!,
      worker: attempt.worker!,
      startedAt: new Date(attempt.startedAt!),
      finishedAt: date(attempt.finishedAt ?? null),
      outcome: attempt.outcome!,
      error: attempt.error ?? null,
    })),
  };
}
