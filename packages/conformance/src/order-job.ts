import { defineJob, type } from "@pillion/core";
import type { Order } from "./harness.ts";

/** Where in a handler its process is killed. */
export const moments = ["before its write", "before its completion", "at COMMIT", "after COMMIT"] as const;
export type Moment = (typeof moments)[number];

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
