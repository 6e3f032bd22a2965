import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Codec } from "../codec/codec.ts";
import { eventContext } from "../codec/context.ts";
import { defaults, limits } from "../defaults.ts";
import { InvalidDefinitionError, InvalidJobError, InvalidRequestError } from "../errors.ts";
import { show } from "../show.ts";
import { codecIssueOf, type JsonInput, schemaIssueOf } from "./definition.ts";
import { nameIssueOf, shortTextIssueOf } from "./names.ts";
import { events } from "./refusal.ts";
import { toRow } from "./row.ts";
import { defineJob, type JobType, type } from "./type.ts";

/** A kind of event. Call it with a key to name one: `packed(orderId)`. */
export interface EventType<Input = never, Output = unknown> {
  /** `key` tells one event from the others of its kind: 1 to 512 bytes. @throws InvalidRequestError */
  (key: string | number | bigint): Event<Input, Output>;
  /** An event type has a name and a schema, as a job type has, and is none. */
  readonly kind: "event";
  readonly name: string;
  readonly schema: StandardSchemaV1<Input, Output>;
  readonly codec: Codec | undefined;
}

/** One event: it happens once, or never. Made by calling its type. */
export interface Event<Input = unknown, Output = unknown> {
  // An event type is contravariant in its input, so an event of any type is an Event only with the erased type here.
  readonly type: EventType<never, Output>;
  readonly key: string;
  /** Carries the payload's type; there is nothing in it. */
  readonly payload?: Input | undefined;
}

/** How an event is emitted. */
export interface EmitOptions {
  /** How long it can still be waited for, in milliseconds from the emit; default 90 days. */
  readonly keepMs?: number | undefined;
}

/** The answer to an emit. */
export interface Emitted {
  /** False where the event had happened before: its payload stays. */
  readonly emitted: boolean;
}

/** An event's emit as the statement takes it. */
export interface Emission {
  readonly name: string;
  readonly key: string;
  readonly payload: string;
  readonly keepMs: number;
}

/** The job types that check the payloads of events. */
const types = new WeakMap<object, JobType<unknown>>();

/**
 * Defines a kind of event, to be shared by whoever emits it and the handlers that wait for it.
 *
 * @throws InvalidDefinitionError when the name or the schema cannot work
 */
export function defineEvent<Payload extends StandardSchemaV1>(definition: {
  /** Unique in the application; 1 to 128 bytes. */
  readonly name: string;
  /** Any Standard Schema whose input is JSON, or `type<T>()` without validation. */
  readonly payload: JsonInput<Payload>;
  /** Encrypts the payload as it is stored. Whoever waits for it needs the same. */
  readonly codec?: Codec | undefined;
}): EventType<StandardSchemaV1.InferInput<Payload>, StandardSchemaV1.InferOutput<Payload>> {
  const refuse = (message: string): never => {
    throw new InvalidDefinitionError(message);
  };
  if (typeof definition !== "object" || definition === null)
    refuse("defineEvent takes one object: { name, payload }.");
  const { name } = definition;
  const schema = definition.payload as StandardSchemaV1;
  const issue = nameIssueOf(name);
  if (issue !== undefined) refuse(`The name of an event ${issue}.`);
  const of = `The definition of event ${show(name)}`;
  for (const key of Object.keys(definition))
    if (!["name", "payload", "codec"].includes(key)) refuse(`${of} has the unknown option "${key}".`);
  if (typeof schema?.["~standard"]?.validate !== "function")
    refuse(`${of}: payload is not a Standard Schema. Pass one (Zod, Valibot, ArkType …), or type<T>().`);
  const codecIssue = codecIssueOf(definition.codec);
  if (codecIssue !== undefined) refuse(`${of}: ${codecIssue}`);
  const notJson = schemaIssueOf(schema);
  if (notJson !== undefined)
    refuse(`${of}: its payload is stored as JSON, and the schema's input is not: ${notJson}`);
  const create = (key: unknown) => {
    const text = typeof key === "number" || typeof key === "bigint" ? String(key) : key;
    const issue = shortTextIssueOf(text, limits.keyBytes);
    if (issue !== undefined)
      throw new InvalidRequestError(
        `Event "${name}": its key ${issue}. It tells one event from the others: ${name}("order-1").`,
      );
    return Object.freeze({ type: eventType, key: text as string });
  };
  const eventType = Object.defineProperties(create, {
    kind: { value: "event", enumerable: true },
    name: { value: name, enumerable: true },
    schema: { value: schema, enumerable: true },
    codec: { value: definition.codec, enumerable: true },
  });
  const checks = defineJob({
    name,
    payload: schema as never,
    codec: definition.codec,
  }) as unknown as JobType<unknown>;
  events.add(checks);
  types.set(eventType, checks);
  return eventType as never;
}

/** An event whose type is not at hand: its payload is any JSON. @throws InvalidRequestError for a name or key that cannot be */
export function eventNamed(verb: string, name: unknown, key: unknown): Event {
  const issue = nameIssueOf(name);
  if (issue !== undefined)
    throw new InvalidRequestError(
      `${verb}: the event's name ${issue}. It is a text of 1 to ${limits.nameBytes} bytes. Nothing was sent to the database.`,
    );
  return defineEvent({ name: name as string, payload: type<unknown>() })(key as string) as Event;
}

/** True for what calling an event type returns. */
export function isEvent(value: unknown): value is Event {
  return typeof value === "object" && value !== null && types.has(Object((value as Partial<Event>).type));
}

/** What is emitted, checked. @throws InvalidJobError, InvalidRequestError */
export async function toEmission(
  event: unknown,
  payload: unknown,
  { keepMs = defaults.keepEventsMs, ...unknown }: EmitOptions = {},
  maxPayloadBytes: number,
): Promise<Emission> {
  if (!isEvent(event))
    throw new InvalidJobError(
      `emit: got ${types.has(Object(event)) ? "an event type" : show(event)} where an event is wanted. Call its type with ` +
        "a key, and pass the payload after it: emit(tx, packed(orderId), { boxes: 3 }).",
    );
  const of = `emit of event "${event.type.name}" (${event.key})`;
  for (const key of Object.keys(unknown))
    throw new InvalidRequestError(`${of}: unknown option ${JSON.stringify(key)}. Known: keepMs.`);
  if (!(typeof keepMs === "number" && keepMs >= 1 && keepMs <= limits.keepMs))
    throw new InvalidRequestError(
      `${of}: keepMs is ${show(keepMs)}, not a number of milliseconds from 1 to ${limits.keepMs}.`,
    );
  const row = await toRow(types.get(event.type)!(payload), maxPayloadBytes, {
    context: eventContext(event.type.name, event.key),
  });
  return { name: event.type.name, key: event.key, payload: row.payload, keepMs };
}
