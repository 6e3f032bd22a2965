/**
 * What the page and the server say to each other: every route, what it takes and what it answers. Paths stand below the
 * mount (`<base href>` of the page): `new URL("api/queues", document.baseURI)`. Times are ISO text by the database's clock,
 * ids are text, durations are milliseconds.
 *
 * Every route answers 401 where `authorize` says no. Every error is a {@link Problem}, of type application/problem+json.
 * GETs carry an ETag, and answer 304 to its If-None-Match. POSTs need the header {@link boardHeader}, a body of type
 * application/json of at most {@link mostBodyBytes}, and a page of the same origin; in read-only mode they answer 403.
 *
 * The built page is the module `generated/page.ts`: its HTML, in which `%BASE%` stands for the mount (`<base href="%BASE%/">`),
 * and the files that it loads from `assets/`, with a hash in each name. Its policy: `default-src 'none'; script-src 'self';
 * style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'self'; form-action 'none';
 * frame-ancestors 'none'`.
 */
export type JobState = "scheduled" | "ready" | "running" | "completed" | "dead" | "cancelled";

/** `fetch(url, { method: "POST", headers: { "content-type": "application/json", [boardHeader]: "1" }, body })`. */
export const boardHeader = "x-pillion-board";
export const mostBodyBytes = 262_144;

/** Every route that looks, by its path, and how often a page that is seen may ask it again; null: only when asked to. */
export const looks = {
  /** → {@link Board} */
  "api/board": null,
  /** {@link ThroughputQuery} → {@link Overview} */
  "api/overview": 4_000,
  /** → {@link QueuesAnswer} */
  "api/queues": 2_000,
  /** {@link ThroughputQuery} → {@link ThroughputAnswer} */
  "api/throughput": 4_000,
  /** {@link JobsQuery} → {@link JobsAnswer} */
  "api/jobs": 4_000,
  /** → {@link JobAnswer}; 404 NO_SUCH_JOB, 400 for what is no id */
  "api/jobs/:id": 2_000,
  /** → {@link JobValues}; 403 VALUES_FORBIDDEN */
  "api/jobs/:id/values": null,
  /** {@link DeadQuery} → {@link DeadAnswer} */
  "api/dead": 10_000,
  /** {@link SchedulesQuery} → {@link SchedulesAnswer} */
  "api/schedules": 4_000,
  /** {@link ScheduleValuesQuery} → {@link ScheduleValues}; 403 VALUES_FORBIDDEN, 404 NO_SUCH_SCHEDULE */
  "api/schedules/values": null,
  /** → {@link WorkersAnswer} */
  "api/workers": 2_000,
  /** → {@link DoctorAnswer}. It takes longer than the others, and is kept for 10 s. */
  "api/doctor": null,
} as const;

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

export interface Problem {
  readonly type: "about:blank";
  readonly title: string;
  readonly status: number;
  /** What happened and what to do next, for people. Plain text, which may hold what users have typed. */
  readonly detail: string;
  readonly code: ProblemCode;
}
export type ProblemCode =
  /** 400: the query, the filter, the id, the body's fields. */
  | "INVALID_REQUEST"
  /** 400: the body is not JSON; 415: nor says that it is. */
  | "NOT_JSON"
  /** 401 */
  | "UNAUTHORIZED"
  /** 403 */
  | "READ_ONLY"
  | "CROSS_SITE"
  | "VALUES_FORBIDDEN"
  /** 403: the board's database role may not do this. */
  | "MISSING_RIGHT"
  /** 404: no such route; no such job, or none any more; no such schedule; the group is gone. */
  | "NOT_FOUND"
  | "NO_SUCH_JOB"
  | "NO_SUCH_SCHEDULE"
  | "NO_SUCH_GROUP"
  /** 405 */
  | "METHOD_NOT_ALLOWED"
  /** 413 */
  | "TOO_LARGE"
  /** 503, with Retry-After: ask again, it may be back. */
  | "DATABASE_AWAY"
  /** 503: missing, older or newer. */
  | "SCHEMA_OUTDATED"
  /** 500: it is in the server's log. */
  | "FAILED";

export interface Board {
  /** Stands in the head of the page. */
  readonly title: string;
  readonly schema: string;
  readonly version: string;
  /** Of this viewer. */
  readonly readOnly: boolean;
  /** False where this viewer may not ask for payloads and results. */
  readonly values: boolean;
  /** Who is looking, as `authorize` has said. */
  readonly viewer: string | null;
}

/** Each count stops at 10,000: show 10,000 as "10,000+". */
export interface QueueView {
  readonly name: string;
  readonly pausedAt: string | null;
  readonly ready: number;
  readonly running: number;
  readonly scheduled: number;
  readonly dead: number;
  readonly oldestReadyAt: string | null;
  readonly oldestReadyMs: number | null;
  readonly settings: QueueSettings;
}
/** Null: not limited, or kept as long as by default. In answers none is undefined. */
export interface QueueSettings {
  readonly concurrency: number | null | undefined;
  readonly keyConcurrency: number | null | undefined;
  readonly rate: Rate | null | undefined;
  readonly keyRate: Rate | null | undefined;
  readonly fifo: boolean | null | undefined;
  readonly fifoOnDead: "continue" | "block" | null | undefined;
  readonly keepCompletedMs: number | null | undefined;
  readonly keepDeadMs: number | null | undefined;
  readonly keepCancelledMs: number | null | undefined;
}
export interface Rate {
  readonly limit: number;
  readonly perMs: number;
}
export interface QueuesAnswer {
  readonly queues: readonly QueueView[];
}

/** Figures of one queue in one stretch of time. Stretches without any figure are left out. */
export interface ThroughputView {
  readonly queue: string;
  readonly from: string;
  readonly completed: number;
  /** Attempts, those that ended in a retry. */
  readonly failed: number;
  readonly dead: number;
  readonly waitP50Ms: number | null;
  readonly waitP95Ms: number | null;
  readonly runP50Ms: number | null;
  readonly runP95Ms: number | null;
  /** How much of it has passed, in seconds: less than its width for the last one. */
  readonly seconds: number;
  /** The figures are estimates: more has ended than is read at once. */
  readonly sampled: boolean;
}
export interface ThroughputQuery {
  /** 1 to 1,440; default 15. */
  readonly minutes?: number | undefined;
  /** Width of a stretch, 1 to 3,600 s; by default what makes at most 60 of them. */
  readonly bucketSeconds?: number | undefined;
  /** One queue; default all. Not of the overview. */
  readonly queue?: string | undefined;
}
export interface ThroughputAnswer {
  readonly minutes: number;
  readonly bucketSeconds: number;
  readonly buckets: readonly ThroughputView[];
}

export interface Overview {
  /** The most urgent first. Empty where all is well. */
  readonly attention: readonly Attention[];
  readonly queues: readonly QueueView[];
  readonly workers: readonly Omit<WorkerView, "jobs">[];
  readonly throughput: ThroughputAnswer;
}
export interface Attention {
  readonly code: "NO_WORKER" | "QUEUE_LATE" | "WORKER_SILENT" | "DEAD_JOBS" | "QUEUE_PAUSED";
  readonly severity: "critical" | "warning" | "info";
  /** What is so, with the figures, and what to do. */
  readonly text: string;
  /** Which one it is about, where it is one. */
  readonly queue: string | null;
  readonly worker: string | null;
  /** Where to look: a page of the board, relative to the mount. */
  readonly page: string;
}

/** All of these; as parameters of a URL, `state` repeated, `headers` as JSON text, `ids` with commas. */
export interface JobsFilter {
  readonly state?: readonly JobState[] | undefined;
  readonly queue?: string | undefined;
  readonly name?: string | undefined;
  readonly uniqueKey?: string | undefined;
  readonly partitionKey?: string | undefined;
  /** Contained in the job's headers. */
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
  readonly ids?: readonly string[] | undefined;
}
export interface JobsQuery extends JobsFilter {
  /** Only jobs with a lower id: the `next` of the page before. */
  readonly before?: string | undefined;
  /** 1 to 200; default 50. */
  readonly limit?: number | undefined;
}
export interface JobsAnswer {
  /** The newest first. */
  readonly jobs: readonly JobView[];
  /** The `before` of the next page; null at the end. */
  readonly next: string | null;
  /**
   * False where the page is short because only a stretch of ids was looked through, at most 100,000: `next` goes on
   * ("nothing among the last 100,000 jobs: look further back").
   */
  readonly complete: boolean;
}

/** A job without what may be secret: payload, headers and results are asked for by `…/values`. */
export interface JobView {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly queue: string;
  readonly state: JobState;
  readonly priority: number;
  readonly attempt: number;
  readonly maxAttempts: number | null;
  readonly createdAt: string;
  readonly runAt: string;
  readonly startBefore: string | null;
  /** Since when it is to be cancelled, while it still runs. */
  readonly cancelledAt: string | null;
  readonly finishedAt: string | null;
  readonly uniqueKey: string | null;
  readonly partitionKey: string | null;
  readonly parent: string | null;
  /** In a list, without `stack`, and with at most 300 characters of the message. */
  readonly error: ErrorView | null;
}
export interface ErrorView {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly code?: string | undefined;
}
export interface AttemptView {
  /** What is put off or handed back is not counted: the attempt after it has the same number. */
  readonly attempt: number;
  readonly worker: string;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly outcome:
    | "running"
    | "completed"
    | "dead"
    | "cancelled"
    | "failed"
    | "snoozed"
    | "lost"
    | "released";
  readonly error: ErrorView | null;
}
export interface StepView {
  readonly position: number;
  readonly name: string;
  readonly kind: "step" | "stepTx" | "sleep" | "event" | "run";
  readonly state: "waiting" | "completed" | "failed";
  readonly error: ErrorView | null;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly until: string | null;
  readonly event: { readonly name: string; readonly key: string } | null;
  /** Ids of jobs that a `run` has enqueued. */
  readonly children: readonly string[];
}
export interface JobAnswer {
  readonly job: JobView;
  /** The first first. */
  readonly attempts: readonly AttemptView[];
  readonly steps: readonly StepView[];
  readonly children: readonly { readonly id: string; readonly name: string; readonly state: JobState }[];
}

/** A value, as text to show: JSON with line breaks, cut after 65,536 characters. */
export type ValueView =
  | { readonly kind: "none" }
  | { readonly kind: "json"; readonly text: string; readonly cut: boolean }
  /** It is encrypted, and never shown. */
  | { readonly kind: "encrypted"; readonly keyId: string | null };
export interface JobValues {
  readonly payload: ValueView;
  readonly headers: ValueView;
  readonly result: ValueView;
  readonly steps: readonly { readonly position: number; readonly result: ValueView }[];
}

export interface DeadQuery {
  readonly queue?: string | undefined;
  readonly name?: string | undefined;
}
export interface DeadAnswer {
  /** Those with the most jobs first; at most 200. */
  readonly groups: readonly DeadGroup[];
  /** How many dead jobs were looked at: the newest, 10,000 at most. */
  readonly looked: number;
  readonly more: boolean;
}
/** Dead jobs of one type and queue whose errors are alike: numbers and ids in the message do not tell them apart. */
export interface DeadGroup {
  /** For `redrive`, and stable for as long as the errors stay alike. */
  readonly key: string;
  readonly name: string;
  readonly queue: string;
  readonly count: number;
  /** Of the newest one, with its stack. */
  readonly error: ErrorView;
  readonly firstAt: string;
  readonly lastAt: string;
  /** Some of them, the newest first: at most 5. */
  readonly ids: readonly string[];
}

export interface SchedulesQuery {
  /** Begins with the name that follows this one. */
  readonly after?: string | undefined;
}
export interface SchedulesAnswer {
  /** By name, at most 200. */
  readonly schedules: readonly ScheduleView[];
  /** The `after` of the next page; null at the end. */
  readonly next: string | null;
}
export interface ScheduleView {
  readonly name: string;
  readonly cron: string | null;
  readonly timeZone: string | null;
  readonly everyMs: number | null;
  readonly missed: "skip" | "runOnce";
  readonly source: "code" | "runTime";
  readonly job: {
    readonly name: string;
    readonly version: number;
    readonly queue: string;
    readonly priority: number;
    readonly maxAttempts: number | null;
    readonly partitionKey: string | null;
  };
  readonly lastSlot: string | null;
  readonly nextSlot: string | null;
  readonly pausedAt: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** Why it cannot be read, and so is not fired. */
  readonly problem: string | null;
}
export interface ScheduleValuesQuery {
  readonly name: string;
}
export interface ScheduleValues {
  readonly payload: ValueView;
  readonly headers: ValueView;
}

export interface WorkersAnswer {
  /** The running ones first, then those that fell silent or stopped within the last hour; at most 1,000. */
  readonly workers: readonly WorkerView[];
}
export interface WorkerView {
  readonly id: string;
  /** Host and process. */
  readonly label: string;
  /** `silent`: not heard of for longer than its lease. */
  readonly state: "running" | "silent" | "stopped";
  readonly queues: readonly string[];
  readonly names: readonly string[];
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly startedAt: string;
  readonly heartbeatAt: string;
  /** Since its last heartbeat, by the database's clock. */
  readonly silentMs: number;
  readonly stoppedAt: string | null;
  /** How many jobs it holds. */
  readonly running: number;
  /** What it holds, the longest held first; at most 100. */
  readonly jobs: readonly WorkerJob[];
}
export interface WorkerJob {
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  readonly attempt: number;
  /** Null: taken, not begun. */
  readonly startedAt: string | null;
}

export interface DoctorAnswer {
  /** When it was looked. */
  readonly at: string;
  readonly severity: "critical" | "warning" | "info" | null;
  /** The worst first. */
  readonly findings: readonly {
    readonly code: string;
    readonly severity: "critical" | "warning" | "info";
    readonly what: string;
    readonly why: string;
    /** A command, of a shell or SQL. */
    readonly mend: string;
  }[];
  readonly looked: readonly string[];
  readonly omitted: readonly string[];
}

/** What each look answers. */
export interface LookAnswers extends Record<keyof typeof looks, unknown> {
  "api/board": Board;
  "api/overview": Overview;
  "api/queues": QueuesAnswer;
  "api/throughput": ThroughputAnswer;
  "api/jobs": JobsAnswer;
  "api/jobs/:id": JobAnswer;
  "api/jobs/:id/values": JobValues;
  "api/dead": DeadAnswer;
  "api/schedules": SchedulesAnswer;
  "api/schedules/values": ScheduleValues;
  "api/workers": WorkersAnswer;
  "api/doctor": DoctorAnswer;
}
