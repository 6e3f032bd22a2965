import type { StandardSchemaV1 } from "@standard-schema/spec";
import { defaults, limits } from "./defaults.ts";
import { InvalidDefinitionError, InvalidJobError } from "./errors.ts";
import type { EnqueueOptions, Job } from "./job.ts";
import { type JsonOf, textIssueOf, utf8Bytes } from "./json.ts";
import { show } from "./show.ts";

/**
 * How long a job waits before it is tried again. `exponential`: `baseMs × factor^(failed attempts - 1)`, at most
 * `maxMs`, shortened by a random share of up to `jitter` (0 to 1). All times in milliseconds.
 */
export type Backoff =
  | { readonly type: "fixed"; readonly delayMs: number; readonly jitter?: number | undefined }
  | {
      readonly type: "exponential";
      readonly baseMs?: number | undefined;
      readonly factor?: number | undefined;
      readonly maxMs?: number | undefined;
      readonly jitter?: number | undefined;
    };

/** What a handler's error does to its job: another attempt (if any is left), or dead at once. */
export type RetryDecision = "retry" | "discard";

export interface JobDefinition<Payload extends StandardSchemaV1, Result extends StandardSchemaV1> {
  /** Unique in the application; 1 to 128 bytes. It is what a worker's handlers are found by. */
  readonly name: string;
  /** Any Standard Schema (Zod, Valibot, ArkType …) whose input is JSON, or `type<T>()` without validation. */
  readonly payload: JsonInput<Payload>;
  /** What the handler returns and is stored; not checked at run time when it is `type<T>()`. */
  readonly result?: Result | undefined;
  /** Raise it when an old handler cannot run new payloads: a worker takes only versions it has handlers for. */
  readonly version?: number | undefined;
  readonly queue?: string | undefined;
  /** -4 to 4, default 0; higher runs first. */
  readonly priority?: number | undefined;
  /** How often the job is started before it is dead; at least 1. */
  readonly maxAttempts?: number | undefined;
  /** The longest that one attempt may take, in milliseconds. */
  readonly timeoutMs?: number | undefined;
  readonly backoff?: Backoff | undefined;
  /** Decides per error; asked for every error but RetryError and DiscardError. */
  readonly retry?: ((error: unknown) => RetryDecision) | undefined;
}

/** The schema itself where its input is JSON; elsewhere a type that nothing is assignable to. */
type JsonInput<S extends StandardSchemaV1> = [StandardSchemaV1.InferInput<S>] extends [
  JsonOf<StandardSchemaV1.InferInput<S>>,
]
  ? S
  : S & { readonly "~pillion": "The input of this schema is not JSON: a payload is stored as JSON." };

/**
 * A kind of job. Call it with a payload to make a job: `sendInvoice({ orderId: 1 })`.
 * `Input` is what callers pass and what is stored, `Output` what the validated handler gets.
 */
export interface JobType<Input = never, Output = unknown, Result = unknown> {
  (payload: Input, options?: EnqueueOptions | undefined): Job<Input, Output, Result>;
  readonly name: string;
  readonly version: number;
  readonly queue: string;
  readonly priority: number;
  readonly maxAttempts: number;
  readonly timeoutMs: number;
  readonly backoff: Backoff;
  readonly retry: (error: unknown) => RetryDecision;
  readonly schema: StandardSchemaV1<Input, Output>;
  readonly resultSchema: StandardSchemaV1<Result, Result> | undefined;
}

/** What a handler of this job type is given. */
export type PayloadOf<T> = T extends JobType<infer _Input, infer Output, infer _Result> ? Output : never;

const jobTypes = new WeakSet<object>();

/** True for what defineJob returned. */
export function isJobType(value: unknown): value is JobType {
  return typeof value === "function" && jobTypes.has(value);
}

/** A schema that checks nothing at run time: the payload's type is the compiler's word alone. */
export function type<T>(): StandardSchemaV1<T, T> {
  return unchecked as StandardSchemaV1<never, never> as StandardSchemaV1<T, T>;
}

const unchecked: StandardSchemaV1 = {
  "~standard": { version: 1, vendor: "pillion", validate: (value) => ({ value }) },
};

/**
 * Defines a kind of job, to be shared by the code that enqueues it and the worker that runs it.
 *
 * @throws InvalidDefinitionError when a name, number or schema cannot work
 */
export function defineJob<
  Payload extends StandardSchemaV1,
  Result extends StandardSchemaV1 = StandardSchemaV1<unknown, unknown>,
>(
  definition: JobDefinition<Payload, Result>,
): JobType<
  StandardSchemaV1.InferInput<Payload>,
  StandardSchemaV1.InferOutput<Payload>,
  StandardSchemaV1.InferOutput<Result>
> {
  checkDefinition(definition as unknown as JobDefinition<StandardSchemaV1, StandardSchemaV1>);
  const { name } = definition;
  const create = (payload: unknown, options?: EnqueueOptions): Job => ({
    type: jobType as unknown as JobType,
    payload: payload as never,
    options: options ?? {},
  });
  const jobType = Object.defineProperties(
    create,
    Object.fromEntries(
      Object.entries({
        name,
        version: definition.version ?? defaults.version,
        queue: definition.queue ?? defaults.queue,
        priority: definition.priority ?? defaults.priority,
        maxAttempts: definition.maxAttempts ?? defaults.maxAttempts,
        timeoutMs: definition.timeoutMs ?? defaults.timeoutMs,
        backoff: definition.backoff ?? defaults.backoff,
        retry: definition.retry ?? (() => "retry" as const),
        schema: definition.payload,
        resultSchema: definition.result,
      }).map(([key, value]) => [key, { value, enumerable: true }]),
    ),
  );
  jobTypes.add(jobType);
  return jobType as never;
}

const known = new Set([
  "name",
  "payload",
  "result",
  "version",
  "queue",
  "priority",
  "maxAttempts",
  "timeoutMs",
  "backoff",
  "retry",
]);

function checkDefinition(definition: JobDefinition<StandardSchemaV1, StandardSchemaV1>): void {
  const refuse = (message: string): never => {
    throw new InvalidDefinitionError(
      message,
      typeof definition?.name === "string" ? definition.name : undefined,
    );
  };
  if (typeof definition !== "object" || definition === null)
    refuse("defineJob takes one object: { name, payload, … }.");
  const { name } = definition;
  const of = `The definition of job ${show(name)}`;
  const text = (field: string, value: unknown) => {
    const issue = nameIssueOf(value);
    if (issue !== undefined)
      refuse(`${field === "name" ? "The name of a job" : `${of}: its ${field}`} ${issue}.`);
  };
  text("name", name);
  for (const key of Object.keys(definition))
    if (!known.has(key)) refuse(`${of} has the unknown option "${key}".`);
  if (definition.queue !== undefined) text("queue", definition.queue);
  const integer = (field: string, value: unknown, least: number, most: number) => {
    if (
      value !== undefined &&
      !(Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
    )
      refuse(`${of}: ${field} is ${show(value)}, not a whole number from ${least} to ${most}.`);
  };
  integer("version", definition.version, 1, 2_147_483_647);
  integer("priority", definition.priority, limits.minPriority, limits.maxPriority);
  integer("maxAttempts", definition.maxAttempts, 1, 2_147_483_647);
  integer("timeoutMs", definition.timeoutMs, 1, 2_147_483_647);
  const { backoff, retry } = definition;
  if (backoff !== undefined) {
    const issue = backoffIssueOf(backoff);
    if (issue !== undefined) refuse(`${of}: ${issue}.`);
  }
  if (retry !== undefined && typeof retry !== "function")
    refuse(`${of}: retry is not a function of an error.`);
  for (const [field, schema] of Object.entries({ payload: definition.payload, result: definition.result }))
    if (
      !(field === "result" && schema === undefined) &&
      typeof schema?.["~standard"]?.validate !== "function"
    )
      refuse(`${of}: ${field} is not a Standard Schema. Pass one (Zod, Valibot, ArkType …), or type<T>().`);
  const issue = schemaIssueOf(definition.payload);
  if (issue !== undefined)
    refuse(`${of}: its payload is stored as JSON, and the schema's input is not: ${issue}`);
}

function backoffIssueOf(backoff: Backoff): string | undefined {
  const number = (field: string, value: unknown, least: number, most: number) =>
    value === undefined || (typeof value === "number" && value >= least && value <= most)
      ? undefined
      : `backoff.${field} is ${show(value)}, not a number from ${least} to ${most}`;
  const jitter = number("jitter", backoff?.jitter, 0, 1);
  if (backoff?.type === "fixed") {
    const missing = backoff.delayMs === undefined ? "backoff.delayMs is missing" : undefined;
    return missing ?? number("delayMs", backoff.delayMs, 0, limits.durationMs) ?? jitter;
  }
  if (backoff?.type === "exponential")
    return (
      number("baseMs", backoff.baseMs, 0, limits.durationMs) ??
      number("factor", backoff.factor, 1, 1_000) ??
      number("maxMs", backoff.maxMs, 0, limits.durationMs) ??
      jitter
    );
  return `backoff.type is ${show((backoff as { type?: unknown } | null)?.type)}, not "fixed" or "exponential"`;
}

/** Asks schemas that can describe themselves (Standard JSON Schema) whether their input is JSON at all. */
function schemaIssueOf(schema: StandardSchemaV1): string | undefined {
  const { jsonSchema } = schema["~standard"] as {
    jsonSchema?: { input?: (options: { target: string }) => unknown };
  };
  if (typeof jsonSchema?.input !== "function") return undefined;
  try {
    jsonSchema.input({ target: "draft-2020-12" });
    return undefined;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return /\b(Date|BigInt|Map|Set|Symbols?|Undefined|Void|NaN|Functions?)\b/i.test(message)
      ? message
      : undefined;
  }
}

/** Says what is wrong with a job or queue name, if anything. */
export function nameIssueOf(value: unknown): string | undefined {
  return shortTextIssueOf(value, limits.nameBytes);
}

/** Says what is wrong with a text that must be 1 to `most` bytes, if anything. */
export function shortTextIssueOf(value: unknown, most: number): string | undefined {
  if (typeof value !== "string") return `is ${show(value)}, not a text`;
  if (value === "") return "is empty";
  const issue = textIssueOf(value);
  if (issue !== undefined) return issue;
  const bytes = utf8Bytes(value);
  return bytes > most ? `has ${bytes} bytes; at most ${most} are allowed` : undefined;
}

/** Milliseconds until the next attempt, after `failed` attempts have failed. */
export function backoffDelayMs(backoff: Backoff, failed: number, random: () => number = Math.random): number {
  const fallback = defaults.backoff;
  const full =
    backoff.type === "fixed"
      ? backoff.delayMs
      : Math.min(
          backoff.maxMs ?? fallback.maxMs,
          (backoff.baseMs ?? fallback.baseMs) * (backoff.factor ?? fallback.factor) ** (failed - 1),
        );
  return Math.round(
    full * (1 - (backoff.jitter ?? (backoff.type === "fixed" ? 0 : fallback.jitter)) * random()),
  );
}

/** @throws InvalidJobError for a job type passed where a job is wanted */
export function refuseJobType(value: unknown): void {
  if (isJobType(value))
    throw new InvalidJobError(
      `The job type "${value.name}" was passed instead of a job. Call it with a payload: ${value.name}({ … }).`,
      value.name,
    );
}
