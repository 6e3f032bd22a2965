import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Codec } from "../codec/codec.ts";
import { InvalidDefinitionError } from "../errors.ts";
import { show } from "../show.ts";
import { codecIssueOf, type JsonInput, schemaIssueOf } from "./definition.ts";
import { nameIssueOf } from "./names.ts";
import { topics } from "./refusal.ts";
import { defineJob, isJobType, type JobType } from "./type.ts";

/** What is published, and by which name. A publication makes a job of each type that has subscribed. */
export interface Topic<Payload = unknown> {
  /** A job type has a name and a schema too, and is none. */
  readonly kind: "topic";
  readonly name: string;
  readonly schema: StandardSchemaV1<Payload, unknown>;
}

/** A job type that gets a job of each publication of a topic. */
export interface Subscription {
  readonly topic: Topic;
  // biome-ignore lint/suspicious/noExplicitAny: a type of any payload and result
  readonly jobType: JobType<any, any, any>;
}

/** The types that check the topics' payloads. */
export const types = new WeakMap<object, JobType<unknown>>();

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
  /** Encrypts the payload as it is stored. The types that subscribe need one that knows its keys. */
  readonly codec?: Codec | undefined;
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
    if (!["name", "payload", "codec"].includes(key)) refuse(`${of} has the unknown option "${key}".`);
  if (typeof schema?.["~standard"]?.validate !== "function")
    refuse(`${of}: payload is not a Standard Schema. Pass one (Zod, Valibot, ArkType …), or type<T>().`);
  const codecIssue = codecIssueOf(definition.codec);
  if (codecIssue !== undefined) refuse(`${of}: ${codecIssue}`);
  const notJson = schemaIssueOf(schema);
  if (notJson !== undefined)
    refuse(`${of}: its payload is stored as JSON, and the schema's input is not: ${notJson}`);
  const topic = Object.freeze({ kind: "topic", name, schema });
  const checks = defineJob({
    name,
    payload: schema as never,
    codec: definition.codec,
  }) as unknown as JobType<unknown>;
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
