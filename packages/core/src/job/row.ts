import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Codec, CodecContext } from "../codec/codec.ts";
import { payloadContext, topicContext } from "../codec/context.ts";
import { type EncryptedValue, seal } from "../codec/seal.ts";
import { defaults } from "../defaults.ts";
import { InvalidJobError, type PayloadIssue } from "../errors.ts";
import { jsonTextOf, utf8Bytes } from "../json.ts";
import { show } from "../show.ts";
import { withProvided } from "./headers.ts";
import type { EnqueueOptions, JobRow } from "./job.ts";
import { optionsIssueOf } from "./options.ts";
import {
  inBatch,
  invalidPayload,
  messageOf,
  nameOf,
  place,
  refusal,
  schemaThrew,
  topics,
  withheld,
} from "./refusal.ts";
import { timestampText } from "./time.ts";
import { isJobType, type Job, type JobType, refuseJobType } from "./type.ts";

/** What else is known of a job that is to be a row. */
export interface RowOf {
  /** Which job of a batch it is, for the error; the first is 0. */
  readonly index?: number | undefined;
  /** What a codec binds the payload to; a job's own by default. */
  readonly context?: CodecContext | undefined;
}

/**
 * The job as a row, or a promise of it where its schema validates, or its codec encrypts, asynchronously.
 *
 * @throws InvalidJobError, CodecError
 */
export function toRow(
  job: unknown,
  maxPayloadBytes: number,
  { index, context }: RowOf = nothingElse,
): JobRow | Promise<JobRow> {
  refuseJobType(job);
  if (!isJob(job))
    throw new InvalidJobError(`Got ${show(job)}${inBatch(index)} where a job is wanted. ${mendingFor(job)}`);
  const { type, payload, options } = job;
  const issue = optionsIssueOf(options);
  if (issue !== undefined) throw refusal(type, index, issue);
  if (payload === undefined)
    throw refusal(type, index, "its payload is undefined. Pass null for a job without one");
  const stored = row(
    type,
    jsonText(type, index, "payload", payload, maxPayloadBytes),
    headersText(type, index, options.headers, maxPayloadBytes),
    options,
  );
  let validated: StandardResult | Promise<StandardResult>;
  try {
    validated = type.schema["~standard"].validate(payload);
  } catch (error) {
    throw schemaThrew(type, index, error);
  }
  if (isThenable(validated)) return judgeLater(type, index, stored, validated, context);
  if (validated.issues) throw invalidPayload(type, index, validated.issues);
  return type.codec === undefined ? stored : encrypted(type, type.codec, index, stored, context);
}

const nothingElse: RowOf = {};

/** What is encrypted has been checked; the limit on its bytes is for what was passed. */
function encrypted(
  type: JobType,
  codec: Codec,
  index: number | undefined,
  stored: JobRow,
  context: CodecContext = topics.has(type) ? topicContext(type.name) : payloadContext(type),
): JobRow | Promise<JobRow> {
  const row = (sealed: EncryptedValue) => ({ ...stored, payload: JSON.stringify(sealed) });
  const sealed = seal(
    codec,
    context,
    stored.payload,
    `${nameOf(type, index)}: its payload`,
    type.name,
    "Nothing was sent to the database",
  );
  return sealed instanceof Promise ? sealed.then(row) : row(sealed);
}

type StandardResult = StandardSchemaV1.Result<unknown>;

async function judgeLater(
  type: JobType,
  index: number | undefined,
  stored: JobRow,
  validated: Promise<StandardResult>,
  context: CodecContext | undefined,
): Promise<JobRow> {
  const { issues } = await Promise.resolve(validated).catch((error) => {
    throw schemaThrew(type, index, error);
  });
  if (issues) throw invalidPayload(type, index, issues);
  return type.codec === undefined ? stored : encrypted(type, type.codec, index, stored, context);
}

/** True for what calling a job type returns. */
export function isJob(value: unknown): value is Job {
  return typeof value === "object" && value !== null && isJobType((value as Partial<Job>).type);
}

function mendingFor(job: unknown): string {
  if (isThenable(job)) return "Await it first.";
  if (Array.isArray(job)) return "For several jobs, call enqueueMany(tx, jobs).";
  return "Make one by calling a job type: enqueue(tx, sendInvoice({ orderId: 1 })).";
}

function headersText(
  type: JobType,
  index: number | undefined,
  own: EnqueueOptions["headers"],
  maxBytes: number,
): string | null {
  let headers = own;
  try {
    headers = withProvided(own);
  } catch (error) {
    throw refusal(type, index, `what provides its headers threw: ${messageOf(error)}`, [], error);
  }
  return headers === undefined ? null : jsonText(type, index, "headers", headers, maxBytes);
}

function jsonText(
  type: JobType,
  index: number | undefined,
  what: string,
  value: unknown,
  maxBytes: number,
): string {
  let text: string | PayloadIssue;
  try {
    text = jsonTextOf(value);
  } catch (error) {
    // A getter or a proxy threw, or the text is longer than any text may be.
    if (type.codec) throw withheld(type, index, `its ${what} cannot be read`);
    throw refusal(type, index, `its ${what} cannot be read: ${messageOf(error)}`, [], error);
  }
  if (typeof text !== "string") {
    if (type.codec) throw withheld(type, index, `its ${what} is nothing that JSON carries`);
    throw refusal(type, index, `${place(`its ${what}`, text.path)} ${text.message}`, [text]);
  }
  // A unit of UTF-16 takes at most three bytes of UTF-8, so most texts need no count.
  const bytes = text.length * 3 > maxBytes ? utf8Bytes(text) : 0;
  if (bytes > maxBytes)
    throw refusal(
      type,
      index,
      `its ${what} has ${bytes} bytes of JSON; at most ${maxBytes} are allowed. Store the data and enqueue a reference to it`,
    );
  return text;
}

function row(type: JobType, payload: string, headers: string | null, options: EnqueueOptions): JobRow {
  const { runAt, delayMs, startBefore, uniqueUntil, uniqueKey } = options;
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
    startBefore: startBefore === undefined ? null : timestampText(startBefore),
    partitionKey: options.partitionKey ?? null,
    uniqueKey: uniqueKey ?? null,
    uniqueUntil: uniqueKey === undefined ? null : until,
    periodMs: period === undefined ? null : String(period),
    onConflict: (options.onConflict ?? "keep") === "keep" ? null : (options.onConflict as "debounce"),
  };
}

function isThenable<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | null)?.then === "function";
}
