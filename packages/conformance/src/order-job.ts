import { defineJob, type } from "@pillion/core";
import type { Order } from "./harness.ts";

/** What a handler writes in: the transaction that completes its job, or one that records a step. */
const ways = ["commit", "stepTx"] as const;
type Way = (typeof ways)[number];

/** Where in it the process is killed. Its last statement is the completion, or the record of the step. */
export const moments = [
  "before its write",
  "before its last statement",
  "at COMMIT",
  "after COMMIT",
] as const;
type Moment = (typeof moments)[number];

export type Kill = `${Way}, ${Moment}`;
export const kills = ways.flatMap((way) =>
  moments.map((moment) => ({ way, moment, kill: `${way}, ${moment}` as const })),
);

/** A job type in a queue of its own, whose handlers write the order that is its payload; attempts follow at once. */
export function orderJob(queue: string, kind = "order") {
  return defineJob({
    name: `${queue} ${kind}`.replaceAll(" ", "_"),
    queue,
    payload: type<Order>(),
    result: type<Readonly<Record<string, number>>>(),
    maxAttempts: 3,
    backoff: { type: "fixed", delayMs: 10 },
  });
}
