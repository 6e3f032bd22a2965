import { defineJob, type } from "@pillion/core";
import type { JobRow } from "../../packages/core/src/job/job.ts";
import { toRow } from "../../packages/core/src/job/row.ts";
import { postgresEngine } from "../../packages/core/src/postgres/engine.ts";
import { few, firstBatch, firstHeld, firstPacked } from "./crowd.ts";

const engine = postgresEngine("pillion");
const settlements = Array.from({ length: few }, (_, i) => ({
  id: String(firstHeld + i),
  claim: String(i),
}));
const packed = Array.from({ length: few }, (_, i) => ({
  id: String(firstPacked + i),
  claim: String(firstBatch + i),
}));
const error = { name: "Error", message: "no" };
const types = [{ name: "mail.send", version: 1 }];
const lanes = [1, 0].flatMap((priority) =>
  ["default", "other"].map((queue) => ({ queue, priority, bound: 0 })),
);
const sendMail = defineJob({ name: "mail.send", payload: type<null>() });
const keyed = Array.from(
  { length: few },
  (_, i) => toRow(sendMail(null, { uniqueKey: `key ${i + 1}` }), 1_000) as JobRow,
);
const byKey = {
  worker: "1",
  queue: "by key",
  types,
  most: few,
  slots: undefined,
  lanes: [{ queue: "by key", priority: 0, bound: 0 }],
  lines: undefined,
};
const nobody = { completions: [], lanes: [], types, most: 0, free: 0 };

/**
 * Every statement that workers run all the time, and an enqueue with keys that are taken, about `few` rows each. Those of functions are planned once in a
 * session, perhaps while the queue is empty; the others are sent unprepared.
 */
export const ofFunctions = {
  "the claim of a step": engine.step({ ...nobody, worker: "1", lanes, most: few, free: few }),
  "a claim that fills itself from its first lane": engine.step({
    ...nobody,
    worker: "1",
    lanes: [0, -1].map((priority) => ({ queue: "short", priority, bound: 0 })),
    most: few,
    free: few,
  }),
  "a claim of one": engine.claim({ worker: "1", lanes, types, most: 1, free: 1 }),
  "the completions of a step": engine.step({
    ...nobody,
    worker: "1",
    completions: settlements.map((held) => ({ ...held, startedMs: 1 })),
  }),
  "the completions of claims that lie in one row": engine.step({
    ...nobody,
    worker: "1",
    completions: packed.map((held) => ({ ...held, startedMs: 1, place: { index: 0, size: 1 } })),
  }),
  "the unpacking of claims": engine.unpack({
    claims: packed.map(({ claim }) => claim),
    ids: packed.map(({ id }) => id),
  }),
  "completions that come too late": engine.step({
    ...nobody,
    worker: "1",
    completions: settlements.map(({ id }) => ({ id, claim: "1000000", startedMs: 1 })),
  }),
  "a claim by key": engine.claimByKey({ ...byKey, after: "" }),
  "a claim by key that goes round": engine.claimByKey({ ...byKey, after: "tenant 95" }),
  "a claim by key that goes on from known places": engine.claimByKey({
    ...byKey,
    after: "",
    lines: Array.from({ length: few }, (_, i) => [`tenant ${i}`, true, {}, 1]),
  }),
  "a beat": engine.tick({ worker: "1", since: "0", asleep: [], lanes, types, most: few }),
  "an enqueue with keys": engine.enqueueKeyed({ rows: keyed, guarded: false, pin: null }),
};

/** How many rows a statement finds at least, where it is not about `few`. */
export const found: Readonly<Record<string, number>> = { "a claim of one": 1 };

export const sent = {
  ...ofFunctions,
  "a retry": engine.retry({ settlements: settlements.map((held) => ({ ...held, delayMs: 1_000, error })) }),
  "a discard": engine.discard({
    settlements: settlements.map((held) => ({ ...held, state: "dead" as const, error })),
  }),
  "a release": engine.release({ settlements }),
  "the mark of a start": engine.markStarted({ settlements }),
  "the look for names that nobody handles": engine.unhandled({ limit: few }),
  "the sweep of keys": engine.sweepKeys({ limit: few, after: { name: "", key: "" } }),
  "the sweep of starts": engine.sweepStarts({ keys: few, limit: few, after: { queue: "", key: "" } }),
};
