import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Codec } from "../codec/codec.ts";
import { limits } from "../defaults.ts";
import { InvalidDefinitionError } from "../errors.ts";
import type { JsonOf } from "../json.ts";
import { show } from "../show.ts";
import { type Backoff, backoffIssueOf } from "./backoff.ts";
import { nameIssueOf } from "./names.ts";

/** What a handler's error does to its job: another attempt (if any is left), or dead at once. */
export type RetryDecision = "retry" | "discard";

/** What `defineJob` takes. */
export interface JobDefinition<Payload extends StandardSchemaV1, Result extends StandardSchemaV1> {
  /** Unique in the application; 1 to 128 bytes. It is what a worker's handlers are found by. */
  readonly name: string;
  /** Any Standard Schema (Zod, Valibot, ArkType …) whose input is JSON, or `type<T>()` without validation. */
  readonly payload: JsonInput<Payload>;
  /** What the handler returns and is stored; not checked at run time when it is `type<T>()`. */
  readonly result?: Result | undefined;
  /** Raise it when an old handler cannot run new payloads: a worker takes only versions it has handlers for. */
  readonly version?: number | undefined;
  /** The queue that workers take its jobs from; default `default`. */
  readonly queue?: string | undefined;
  /** -4 to 4, default 0; higher runs first. */
  readonly priority?: number | undefined;
  /** How often the job is started before it is dead; at least 1. */
  readonly maxAttempts?: number | undefined;
  /** The longest that one attempt may take, in milliseconds. */
  readonly timeoutMs?: number | undefined;
  /** How long a failed attempt waits for the next; by default exponentially longer, with jitter. */
  readonly backoff?: Backoff | undefined;
  /** Decides per error; asked for every error but RetryError and DiscardError. */
  readonly retry?: ((error: unknown) => RetryDecision) | undefined;
  /**
   * Encrypts what is stored of its jobs: payload, result, what its steps answer, and what its errors say. Headers, keys and
   * names stay clear. Without it, all is clear.
   */
  readonly codec?: Codec | undefined;
}

/** The schema itself where its input is JSON; elsewhere a type that nothing is assignable to. */
export type JsonInput<S extends StandardSchemaV1> = [StandardSchemaV1.InferInput<S>] extends [
  JsonOf<StandardSchemaV1.InferInput<S>>,
]
  ? S
  : S & { readonly "~pillion": "The input of this schema is not JSON: a payload is stored as JSON." };

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
  "codec",
]);

/** @throws InvalidDefinitionError */
export function checkDefinition(definition: JobDefinition<StandardSchemaV1, StandardSchemaV1>): void {
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
  const codecIssue = codecIssueOf(definition.codec);
  if (codecIssue !== undefined) refuse(`${of}: ${codecIssue}`);
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

/** Says what is wrong with a codec, if anything. */
export function codecIssueOf(codec: unknown): string | undefined {
  const { encode, decode } = Object(codec) as Partial<Codec>;
  if (codec === undefined || (typeof encode === "function" && typeof decode === "function")) return undefined;
  return `its codec is ${show(codec)}, which has no encode and decode. Pass aesGcm(…) of @pillion/core/encryption, or one of your own.`;
}

/** Asks schemas that can describe themselves (Standard JSON Schema) whether their input is JSON at all. */
export function schemaIssueOf(schema: StandardSchemaV1): string | undefined {
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
