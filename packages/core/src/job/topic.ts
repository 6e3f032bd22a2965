import type { StandardSchemaV1 } from "@standard-schema/spec";
import { InvalidDefinitionError, InvalidJobError } from "../errors.ts";
import { show } from "../show.ts";
import { type JsonInput, schemaIssueOf } from "./definition.ts";
import type { Enqueued, EnqueueOptions } from "./job.ts";
import { nameIssueOf } from "./names.ts";
import { topics } from "./refusal.ts";
import { toRow } from "./row.ts";
import { defineJob, isJobType, type JobType } from "./type.ts";

/** What is published, and by which name. A publication makes a job of each type that has subscribed. */
export interface Topic<Payload = unknown> {
  /** A job type has a name and a schema too, and is none. */
  readonly kind: "topic";
  readonly name: string;
  readonly schema: StandardSchemaV1<Payload, unknown>;
}

/** How the jobs of one publication differ from what their types say. */
export type PublishOptions = Pick<
  EnqueueOptions,
  | "runAt"
  | "delayMs"
  | "startBefore"
  | "priority"
  | "partitionKey"
  | "headers"
  | "uniqueKey"
  | "uniqueUntil"
  | "onConflict"
>;

/** The job that a subscription has got. */
export interface Published extends Enqueued {
  /** Of the job type. */
  readonly name: string;
  readonly queue: string;
}

/** A job type that gets a job of each publication of a topic. */
export interface Subscription {
  readonly topic: Topic;
  // biome-ignore lint/suspicious/noExplicitAny: a type of any payload and result
  readonly jobType: JobType<any, any, any>;
}

/** What the statement takes: texts of JSON. */
export interface Publication {
  readonly topic: string;
  readonly payload: string;
  readonly options: string;
}

/** The type that checks a topic's payloads. */
const types = new WeakMap<object, JobType<unknown>>();

/**
 * Defines a topic, to be shared by the code that publishes and the code that subscribes.
 *
 * @throws InvalidDefinitionError when the name or the schema cannot work
 */
export function defineTopic<Payload extends StandardSchemaV1>(definition: {
  /** Unique in the application; 1 to 128 bytes. */
  readonly name: string;
  /** Any Standard Schema whose input is JSON, or `type<T>()` without validation. */
  readonly payload: JsonInput<Payload>;
}): Topic<StandardSchemaV1.InferInput<Payload>> {
  const refuse = (message: string): never => {
    throw new InvalidDefinitionError(message);
  };
  if (typeof definition !== "object" || definition === null)
    refuse("defineTopic takes one object: { name, payload }.");
  const { name } = definition;
  const schema = definition.payload as StandardSchemaV1;
  const issue = nameIssueOf(name);
  if (issue !== undefined) refuse(`The name of a topic ${issue}.`);
  const of = `The definition of topic ${show(name)}`;
  for (const key of Object.keys(definition))
    if (key !== "name" && key !== "payload") refuse(`${of} has the unknown option "${key}".`);
  if (typeof schema?.["~standard"]?.validate !== "function")
    refuse(`${of}: payload is not a Standard Schema. Pass one (Zod, Valibot, ArkType …), or type<T>().`);
  const notJson = schemaIssueOf(schema);
  if (notJson !== undefined)
    refuse(`${of}: its payload is stored as JSON, and the schema's input is not: ${notJson}`);
  const topic = Object.freeze({ kind: "topic", name, schema });
  const checks = defineJob({ name, payload: schema as never }) as unknown as JobType<unknown>;
  topics.add(checks);
  types.set(topic, checks);
  return topic as never;
}

/**
 * Says that each publication of the topic makes a job of this type: for a worker's `subscriptions`. The topic's payload
 * must be one that the job type takes.
 *
 * @throws InvalidDefinitionError for what is no topic or no job type
 */
export function subscribe<Payload extends Input, Input>(
  topic: Topic<Payload>,
  // biome-ignore lint/suspicious/noExplicitAny: a type of any result
  jobType: JobType<Input, any, any>,
): Subscription {
  if (!types.has(topic as object))
    throw new InvalidDefinitionError(
      `subscribe: got ${show(topic)} where a topic is wanted. Make one with defineTopic.`,
    );
  if (!isJobType(jobType))
    throw new InvalidDefinitionError(
      `subscribe to topic "${topic.name}": got ${show(jobType)} where a job type is wanted. Make one with defineJob.`,
    );
  return { topic, jobType };
}

const known = [
  "runAt",
  "delayMs",
  "startBefore",
  "priority",
  "partitionKey",
  "headers",
  "uniqueKey",
  "uniqueUntil",
  "onConflict",
];

/** What is published, checked. @throws InvalidJobError */
export async function toPublication(
  topic: unknown,
  payload: unknown,
  options: PublishOptions | undefined,
  maxPayloadBytes: number,
): Promise<Publication> {
  const checks = types.get(Object(topic));
  if (!checks)
    throw new InvalidJobError(
      `publish: got ${isJobType(topic) ? "a job type" : show(topic)} where a topic is wanted. Make one with ` +
        "defineTopic, and pass the payload after it: publish(tx, orderPlaced, { orderId: 1 }).",
    );
  const unknown = Object.keys(Object(options)).find((key) => !known.includes(key));
  if (unknown !== undefined)
    throw new InvalidJobError(
      `Topic "${checks.name}": the publication has the unknown option ${JSON.stringify(unknown)}. Known: ${known.join(", ")}.`,
    );
  const row = await toRow(checks(payload, options), maxPayloadBytes);
  const { runAt, delayMs, partitionKey, uniqueKey, uniqueUntil, periodMs } = row;
  const members = {
    runAt,
    delayMs,
    partitionKey,
    uniqueKey,
    uniqueUntil,
    periodMs,
    priority: options?.priority,
  };
  const text = JSON.stringify(members);
  return {
    topic: checks.name,
    payload: row.payload,
    // Headers are JSON text already.
    options: row.headers === null ? text : `${text.slice(0, -1)},"headers":${row.headers}}`,
  };
}
