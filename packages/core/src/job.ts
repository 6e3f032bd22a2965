import { defaults, limits } from "./defaults.ts";
import { InvalidJobError, type PayloadIssue } from "./errors.ts";
import { isJobType, type JobType, nameIssueOf, refuseJobType, shortTextIssueOf } from "./job-type.ts";
import { jsonIssueOf, utf8Bytes } from "./json.ts";

/** The states of a job. `completed`, `dead` and `cancelled` are final. */
export type JobState = "scheduled" | "ready" | "running" | "completed" | "dead" | "cancelled";

/** How this one job differs from what its type says. A property that is undefined is as if it were absent. */
export interface EnqueueOptions {
  readonly queue?: string | undefined;
  /** -4 to 4; higher runs first. */
  readonly priority?: number | undefined;
  /** The earliest start. By the database's clock, as is every time. */
  readonly runAt?: Date | undefined;
  /** Milliseconds from the enqueue statement to the earliest start; not together with `runAt`. */
  readonly delayMs?: number | undefined;
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
  /** Jobs of one partition (a tenant, an account) can be limited together. 1 to 512 bytes. */
  readonly partitionKey?: string | undefined;
  /** JSON that travels beside the payload: trace context, tenant. */
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
}

/** A job to be enqueued: a plain object, made by calling its type. */
export interface Job<Input = unknown, Output = unknown, Result = unknown> {
  // A job type is contravariant in its input, so a job of any type is a Job only with the erased type here.
  readonly type: JobType<never, Output, Result>;
  readonly payload: Input;
  readonly options: EnqueueOptions;
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
  readonly partitionKey: string | null;
  readonly uniqueKey: string | null;
  readonly uniqueUntil: "started" | "finished" | "period" | null;
  readonly periodMs: string | null;
}

const known = new Set([
  "queue",
  "priority",
  "runAt",
  "delayMs",
  "maxAttempts",
  "uniqueKey",
  "uniqueUntil",
  "partitionKey",
  "headers",
]);

/** The job as a row, or a promise of it where its schema validates asynchronously. @throws InvalidJobError */
export function toRow(job: unknown, maxPayloadBytes: number): JobRow | Promise<JobRow> {
  refuseJobType(job);
  if (typeof job !== "object" || job === null || !isJobType((job as Partial<Job>).type))
    throw new InvalidJobError(
      `${job === undefined ? "No job" : job === null ? "null" : `A ${typeof job}`} was passed where a job is wanted. ` +
        "Make one by calling a job type: enqueue(tx, sendInvoice({ orderId: 1 })).",
    );
  const { type, payload, options } = job as Job;
  const refuse = (what: string, issues?: readonly PayloadIssue[]): never => {
    throw new InvalidJobError(`Job "${type.name}": ${what}`, type.name, issues);
  };
  checkOptions(options, refuse);
  const stored = payloadText(payload, maxPayloadBytes, refuse);
  const finish = (): JobRow => row(type, stored, options, maxPayloadBytes, refuse);

  let validated: ReturnType<(typeof type.schema)["~standard"]["validate"]>;
  try {
    validated = type.schema["~standard"].validate(payload);
  } catch (error) {
    return refuse(`its schema threw: ${error instanceof Error ? error.message : String(error)}.`);
  }
  const judge = (result: Awaited<typeof validated>): JobRow => {
    if (!result.issues) return finish();
    const issues = result.issues.map((issue) => ({
      message: issue.message,
      path: (issue.path ?? []).map((segment) => (typeof segment === "object" ? segment.key : segment)),
    }));
    return refuse(
      `its payload is not valid: ${issues.map((issue) => `${place("payload", issue.path)}: ${issue.message}`).join("; ")}.`,
      issues,
    );
  };
  return isThenable(validated) ? Promise.resolve(validated).then(judge) : judge(validated);
}

type Refuse = (what: string, issues?: readonly PayloadIssue[]) => never;

function checkOptions(options: EnqueueOptions, refuse: Refuse): void {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    refuse("its options are not an object.");
  for (const key of Object.keys(options))
    if (!known.has(key)) refuse(`unknown option "${key}". Known: ${[...known].join(", ")}.`);
  const { queue, priority, runAt, delayMs, maxAttempts, uniqueKey, uniqueUntil, partitionKey } = options;
  const text = (field: string, issue: string | undefined) => {
    if (issue !== undefined) refuse(`its ${field} ${issue}.`);
  };
  if (queue !== undefined) text("queue", nameIssueOf(queue));
  if (uniqueKey !== undefined) text("uniqueKey", shortTextIssueOf(uniqueKey, limits.keyBytes));
  if (partitionKey !== undefined) text("partitionKey", shortTextIssueOf(partitionKey, limits.keyBytes));
  const integer = (field: string, value: unknown, least: number, most: number) => {
    if (
      value !== undefined &&
      !(Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
    )
      refuse(`its ${field} is ${String(value)}, not a whole number from ${least} to ${most}.`);
  };
  integer("priority", priority, limits.minPriority, limits.maxPriority);
  integer("maxAttempts", maxAttempts, 1, 2_147_483_647);
  duration("delayMs", delayMs, 0, refuse);
  if (runAt !== undefined) {
    if (!(runAt instanceof Date)) refuse("its runAt is not a Date.");
    if (Number.isNaN(runAt.getTime())) refuse("its runAt is an invalid Date.");
    if (runAt.getUTCFullYear() < -4_000)
      refuse("its runAt is before the year -4000, which Postgres cannot store.");
    if (delayMs !== undefined) refuse("it has both runAt and delayMs; give one of them.");
  }
  if (uniqueUntil === undefined) return;
  if (uniqueKey === undefined) refuse("it has uniqueUntil but no uniqueKey.");
  if (uniqueUntil === "started" || uniqueUntil === "finished") return;
  const keys = typeof uniqueUntil === "object" && uniqueUntil !== null ? Object.keys(uniqueUntil) : [];
  if (keys.length !== 1 || keys[0] !== "periodMs")
    refuse('its uniqueUntil is none of "started", "finished" and { periodMs }.');
  duration("uniqueUntil.periodMs", (uniqueUntil as { periodMs: number }).periodMs, 1, refuse);
}

function duration(field: string, value: unknown, least: number, refuse: Refuse): void {
  if (value === undefined && least === 0) return;
  if (typeof value !== "number" || !(value >= least && value <= limits.durationMs))
    refuse(
      `its ${field} is ${String(value)}, not a number of milliseconds from ${least} to ${limits.durationMs}.`,
    );
}

function payloadText(payload: unknown, maxBytes: number, refuse: Refuse): string {
  if (payload === undefined) return refuse("its payload is undefined. Pass null for a job without one.");
  return jsonText("payload", payload, maxBytes, refuse);
}

function jsonText(what: string, value: unknown, maxBytes: number, refuse: Refuse): string {
  const issue = jsonIssueOf(value);
  if (issue !== undefined) refuse(`${place(`its ${what}`, issue.path)} ${issue.message}.`, [issue]);
  const text = JSON.stringify(value);
  // A unit of UTF-16 takes at most three bytes of UTF-8, so most texts need no count.
  if (text.length * 3 > maxBytes) {
    const bytes = utf8Bytes(text);
    if (bytes > maxBytes)
      refuse(
        `its ${what} has ${bytes} bytes of JSON; at most ${maxBytes} are allowed. Store the data and enqueue a reference to it.`,
      );
  }
  return text;
}

function row(
  type: JobType,
  payload: string,
  options: EnqueueOptions,
  maxBytes: number,
  refuse: Refuse,
): JobRow {
  const { headers, runAt, delayMs, uniqueUntil, uniqueKey } = options;
  if (headers !== undefined && (typeof headers !== "object" || headers === null || Array.isArray(headers)))
    refuse("its headers are not an object.");
  const period = typeof uniqueUntil === "object" ? uniqueUntil : undefined;
  return {
    name: type.name,
    version: String(type.version),
    queue: options.queue ?? type.queue,
    priority: String(options.priority ?? type.priority),
    maxAttempts: String(options.maxAttempts ?? type.maxAttempts),
    payload,
    headers: headers === undefined ? null : jsonText("headers", headers, maxBytes, refuse),
    runAt: runAt === undefined ? null : timestampText(runAt),
    delayMs: delayMs === undefined ? null : String(delayMs),
    partitionKey: options.partitionKey ?? null,
    uniqueKey: uniqueKey ?? null,
    uniqueUntil:
      uniqueKey === undefined
        ? null
        : period
          ? "period"
          : ((uniqueUntil as "started") ?? defaults.uniqueUntil),
    periodMs: period === undefined ? null : String(period.periodMs),
  };
}

/** ISO text that Postgres reads in every DateStyle, beyond the years 0 to 9999 too. */
function timestampText(date: Date): string {
  const iso = date.toISOString();
  if (iso.startsWith("+")) return iso.slice(1);
  if (!iso.startsWith("-") && !iso.startsWith("0000")) return iso;
  const year = 1 - date.getUTCFullYear();
  return `${String(year).padStart(4, "0")}${iso.slice(iso.indexOf("-", 1))} BC`;
}

function place(what: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) =>
      text +
      (typeof key === "string" && /^[A-Za-z_$][\w$]*$/.test(key)
        ? `.${key}`
        : `[${JSON.stringify(key) ?? String(key)}]`),
    what,
  );
}

function isThenable<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | null)?.then === "function";
}
