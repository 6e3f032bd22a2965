/** The states of a job. `completed`, `dead` and `cancelled` are final. */
export type JobState = "scheduled" | "ready" | "running" | "completed" | "dead" | "cancelled";

/** How this one job differs from what its type says. A property that is undefined is as if it were absent. */
export interface EnqueueOptions {
  /** The queue that its workers take it from; the type's own by default. */
  readonly queue?: string | undefined;
  /** -4 to 4; higher runs first. */
  readonly priority?: number | undefined;
  /** The earliest start. By the database's clock, as is every time. */
  readonly runAt?: Date | undefined;
  /** Milliseconds from the enqueue statement to the earliest start; not together with `runAt`. */
  readonly delayMs?: number | undefined;
  /**
   * The latest start: a job that has not been started by then is cancelled instead. After `runAt`. A job that was
   * started in time and failed is tried again as ever.
   */
  readonly startBefore?: Date | undefined;
  /** How often it is started before it is dead; at least 1. */
  readonly maxAttempts?: number | undefined;
  /**
   * At most one waiting job of this name has the key. While one waits, a further enqueue answers with that job's
   * id and `created: false`, which means: a run of it will start after your transaction commits. 1 to 512 bytes.
   */
  readonly uniqueKey?: string | undefined;
  /**
   * Until when the key is taken: `"started"` (the default) until the job starts; `"finished"` until it has ended,
   * `{ periodMs }` for that long whatever becomes of it. The last two can answer with a run that is already under
   * way or over, and so may not see what your transaction wrote.
   */
  readonly uniqueUntil?: "started" | "finished" | { readonly periodMs: number } | undefined;
  /**
   * What becomes of the waiting job that has the key already. `"keep"` (the default): it stays as it is.
   * `"debounce"`: it gets this payload, with its version and headers, and this run-at and `startBefore`. `"throttle"`: it gets this
   * payload and keeps its run-at. Only with `uniqueKey`, and the last two only with `uniqueUntil: "started"`.
   */
  readonly onConflict?: "keep" | "debounce" | "throttle" | undefined;
  /** Jobs of one partition (a tenant, an account) can be limited together. 1 to 512 bytes. */
  readonly partitionKey?: string | undefined;
  /** JSON that travels beside the payload: trace context, tenant. */
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
}

/** The answer to an enqueue. */
export interface Enqueued {
  /** The job's id, as text: of the job that was made, or of the one that holds its unique key. */
  readonly id: string;
  /** False where a job that will still run after this commit already has the key. */
  readonly created: boolean;
  readonly state: JobState;
}

/** A checked job as the statements take it: text, or null. Everything that can be refused has been. */
export interface JobRow {
  readonly name: string;
  readonly version: string;
  readonly queue: string;
  readonly priority: string;
  readonly maxAttempts: string;
  readonly payload: string;
  readonly headers: string | null;
  readonly runAt: string | null;
  readonly delayMs: string | null;
  readonly startBefore: string | null;
  readonly partitionKey: string | null;
  readonly uniqueKey: string | null;
  readonly uniqueUntil: "started" | "finished" | "period" | null;
  readonly periodMs: string | null;
  /** Null for `keep`. */
  readonly onConflict: "debounce" | "throttle" | null;
}
