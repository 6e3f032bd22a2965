import { defaults } from "./defaults.ts";
import { InvalidJobError, type PayloadIssue } from "./errors.ts";
import type { EnqueueOptions, Job, JobRow } from "./job.ts";
import { optionsIssueOf } from "./job-options.ts";
import { isJobType, type JobType, refuseJobType } from "./job-type.ts";
import { jsonIssueOf, utf8Bytes } from "./json.ts";
import { show } from "./show.ts";

/**
 * The job as a row, or a promise of it where its schema validates asynchronously.
 *
 * @param index which job of a batch it is, for the error; the first is 0
 * @throws InvalidJobError
 */
export function toRow(job: unknown, maxPayloadBytes: number, index?: number): JobRow | Promise<JobRow> {
  refuseJobType(job);
  const which = index === undefined ? "" : ` at index ${index} of the batch`;
  if (!isJob(job))
    throw new InvalidJobError(`Got ${show(job)}${which} where a job is wanted. ${mendingFor(job)}`);
  const { type, payload, options } = job;
  const refuse: Refuse = (what, issues, cause) => {
    throw new InvalidJobError(`Job "${type.name}"${which}: ${what}.`, type.name, issues, cause);
  };
  const issue = optionsIssueOf(options);
  if (issue !== undefined) refuse(issue);
  if (payload === undefined) refuse("its payload is undefined. Pass null for a job without one");
  const stored = row(
    type,
    jsonText("payload", payload, maxPayloadBytes, refuse),
    options.headers === undefined ? null : jsonText("headers", options.headers, maxPayloadBytes, refuse),
    options,
  );

  const threw = (error: unknown): never =>
    refuse(`its schema threw: ${error instanceof Error ? error.message : String(error)}`, [], error);
  const judge = (result: Awaited<typeof validated>): JobRow => {
    if (!result.issues) return stored;
    const issues = result.issues.map(({ message, path = [] }) => ({
      message,
      path: path.map((segment) => (typeof segment === "object" ? segment.key : segment)),
    }));
    const said = issues.map(({ message, path }) => `${place("payload", path)}: ${message}`).join("; ");
    return refuse(`its payload is not valid: ${said}`, issues);
  };
  let validated: ReturnType<(typeof type.schema)["~standard"]["validate"]>;
  try {
    validated = type.schema["~standard"].validate(payload);
  } catch (error) {
    return threw(error);
  }
  return isThenable(validated) ? Promise.resolve(validated).catch(threw).then(judge) : judge(validated);
}

/** True for what calling a job type returns. */
export function isJob(value: unknown): value is Job {
  return typeof value === "object" && value !== null && isJobType((value as Partial<Job>).type);
}

type Refuse = (what: string, issues?: readonly PayloadIssue[], cause?: unknown) => never;

function mendingFor(job: unknown): string {
  if (isThenable(job)) return "Await it first.";
  if (Array.isArray(job)) return "For several jobs, call enqueueMany(tx, jobs).";
  return "Make one by calling a job type: enqueue(tx, sendInvoice({ orderId: 1 })).";
}

function jsonText(what: string, value: unknown, maxBytes: number, refuse: Refuse): string {
  let issue: PayloadIssue | undefined;
  let text = "";
  try {
    issue = jsonIssueOf(value);
    if (issue === undefined) text = JSON.stringify(value);
  } catch (error) {
    // A getter or a proxy threw, or the text is longer than any text may be.
    refuse(
      `its ${what} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      [],
      error,
    );
  }
  if (issue !== undefined) refuse(`${place(`its ${what}`, issue.path)} ${issue.message}`, [issue]);
  // A unit of UTF-16 takes at most three bytes of UTF-8, so most texts need no count.
  const bytes = text.length * 3 > maxBytes ? utf8Bytes(text) : 0;
  if (bytes > maxBytes)
    refuse(
      `its ${what} has ${bytes} bytes of JSON; at most ${maxBytes} are allowed. Store the data and enqueue a reference to it`,
    );
  return text;
}

function row(type: JobType, payload: string, headers: string | null, options: EnqueueOptions): JobRow {
  const { runAt, delayMs, uniqueUntil, uniqueKey } = options;
  const period = typeof uniqueUntil === "object" ? uniqueUntil.periodMs : undefined;
  const until = period === undefined ? ((uniqueUntil as "started") ?? defaults.uniqueUntil) : "period";
  return {
    name: type.name,
    version: String(type.version),
    queue: options.queue ?? type.queue,
    priority: String(options.priority ?? type.priority),
    maxAttempts: String(options.maxAttempts ?? type.maxAttempts),
    payload,
    headers,
    runAt: runAt === undefined ? null : timestampText(runAt),
    delayMs: delayMs === undefined ? null : String(delayMs),
    partitionKey: options.partitionKey ?? null,
    uniqueKey: uniqueKey ?? null,
    uniqueUntil: uniqueKey === undefined ? null : until,
    periodMs: period === undefined ? null : String(period),
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

/** Where in the value: `payload.lines[2]["a b"]`, cut short where it is long. */
function place(what: string, path: readonly PropertyKey[]): string {
  const shown = path.length > 8 ? path.slice(0, 8) : path;
  const text = shown.reduce<string>(
    (text, key) =>
      text +
      (typeof key === "string" && /^[A-Za-z_$][\w$]*$/.test(key)
        ? `.${key}`
        : `[${typeof key === "symbol" ? String(key) : JSON.stringify(key)}]`),
    what,
  );
  return shown === path ? text : `${text}…`;
}

function isThenable<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | null)?.then === "function";
}
