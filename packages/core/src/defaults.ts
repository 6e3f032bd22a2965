/** What applies where a job, a worker or a caller names nothing else. */
export const defaults = {
  /** The database schema that holds the queue's tables. */
  schema: "pillion",
  queue: "default",
  /** Higher runs first; the range is -4 to 4. */
  priority: 0,
  version: 1,
  /** How often a job is started before it is dead. */
  maxAttempts: 20,
  /** How long one attempt may take, in milliseconds, before its signal aborts and it counts as failed. */
  timeoutMs: 15 * 60_000,
  /** The wait before the second attempt, in milliseconds; each further wait is `factor` times as long. */
  backoff: { type: "exponential", baseMs: 1_000, factor: 2, maxMs: 60 * 60_000, jitter: 0.2 },
  uniqueUntil: "started",
  /** The largest payload, in bytes of its JSON text in UTF-8. */
  maxPayloadBytes: 1_048_576,
  /** How long a job that has ended can still be asked about, in milliseconds, where its queue's row says nothing. */
  keepMs: { completed: 7 * 86_400_000, dead: 90 * 86_400_000, cancelled: 7 * 86_400_000 },
  /** How long the answer of an idempotent call is kept, in milliseconds. */
  keepAnswersMs: 30 * 86_400_000,
  /** How long an event can be waited for after it was emitted, in milliseconds. */
  keepEventsMs: 90 * 86_400_000,
  /** How long waitFor waits for a job to end, in milliseconds. */
  waitMs: 60_000,
  /** Jobs that one worker process runs at the same time. */
  concurrency: 250,
  /** How long a worker may be silent, in milliseconds, before its jobs are given to another. */
  leaseMs: 15_000,
  /** How often an idle worker looks for jobs, in milliseconds, when nothing wakes it. */
  pollMs: 1_200,
  /** What becomes of a schedule's slots that nobody could fire in time. */
  missed: "runOnce",
  /** The time zone of a cron line that names none. */
  timeZone: "UTC",
  /** How long stop() lets running handlers finish, in milliseconds. */
  graceMs: 10_000,
} as const;

/** Bounds that hold whatever is configured. */
export const limits = {
  /** Bytes of UTF-8 in a job name, and in a queue name. */
  nameBytes: 128,
  /** Bytes of UTF-8 in a unique key, and in a partition key. */
  keyBytes: 512,
  /** Levels of arrays and objects in a payload. */
  depth: 500,
  minPriority: -4,
  maxPriority: 4,
  /** Jobs in one statement of enqueueMany. */
  batchJobs: 5_000,
  /** Bytes of JSON text in one statement of enqueueMany. */
  batchBytes: 8 * 1_048_576,
  /** The shortest interval of a schedule, in milliseconds. */
  minEveryMs: 100,
  /** How late a slot of a schedule may be fired before it counts as missed, in milliseconds. */
  slotGraceMs: 60_000,
  /** Jobs that one cancel, retry or reschedule looks at. */
  changedJobs: 10_000,
  /** The longest that finished jobs are kept: 3,650 days, in milliseconds. */
  keepMs: 3_650 * 86_400_000,
  /** The longest delay, backoff or period: about 3,170 years, in milliseconds. */
  durationMs: 1e14,
} as const;
