import { InvalidJobError } from "../errors.ts";
import { show } from "../show.ts";
import type { Enqueued, EnqueueOptions } from "./job.ts";
import { toRow } from "./row.ts";
import { types } from "./topic.ts";
import { isJobType } from "./type.ts";

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

/** What the statement takes: texts of JSON. */
export interface Publication {
  readonly topic: string;
  readonly payload: string;
  readonly options: string;
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
