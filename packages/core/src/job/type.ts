import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Codec } from "../codec/codec.ts";
import { defaults } from "../defaults.ts";
import { InvalidJobError } from "../errors.ts";
import type { Backoff } from "./backoff.ts";
import { checkDefinition, type JobDefinition, type RetryDecision } from "./definition.ts";
import type { EnqueueOptions } from "./job.ts";
import { noOptions } from "./options.ts";

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
  /** What encrypts its jobs; undefined where they are stored clear. */
  readonly codec: Codec | undefined;
}

/** A job to be enqueued: a plain object, made by calling its type. */
export interface Job<Input = unknown, Output = unknown, Result = unknown> {
  // A job type is contravariant in its input, so a job of any type is a Job only with the erased type here.
  readonly type: JobType<never, Output, Result>;
  readonly payload: Input;
  readonly options: EnqueueOptions;
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
    options: options ?? noOptions,
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
        codec: definition.codec,
      }).map(([key, value]) => [key, { value, enumerable: true }]),
    ),
  );
  jobTypes.add(jobType);
  return jobType as never;
}

/** @throws InvalidJobError for a job type passed where a job is wanted */
export function refuseJobType(value: unknown): void {
  if (isJobType(value))
    throw new InvalidJobError(
      `The job type "${value.name}" was passed instead of a job. Call it with a payload: ${value.name}({ … }).`,
      value.name,
    );
}
