import assert from "node:assert/strict";
import { defineJob, type Job, type } from "@pillion/core";
import type { AnyJob } from "../context.ts";
import { accepted, refusal } from "../expect.ts";
import type { Case, Suite } from "../suite.ts";
import { silently } from "./refusals.ts";

class Money {
  readonly amount = 1;
}

const circular: Record<string, unknown> = {};
circular.self = circular;
const deep = () => {
  let value: unknown = null;
  for (let level = 0; level < 20_000; level++) value = [value];
  return value;
};
const strict = defineJob({
  name: "conformance.strict",
  payload: {
    "~standard": {
      ...type<{ a: number }>()["~standard"],
      validate: () => ({ issues: [{ message: "no good" }] }),
    },
  } as ReturnType<typeof type<{ a: number }>>,
});

type Make = (job: AnyJob) => unknown;
const payloads: Record<string, unknown> = {
  undefined: undefined,
  "a function": () => 1,
  "a symbol": Symbol("s"),
  "a BigInt": 1n,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "a circular object": circular,
  "20,000 levels of arrays": deep(),
  "the character U+0000": "a\u0000b",
  "a key with the character U+0000": { "a\u0000b": 1 },
  "half of a surrogate pair": "\ud800",
  "undefined in an array": [1, undefined],
  "a Date": new Date(0),
  "a Map": new Map(),
  "an instance of a class": new Money(),
  "an error": new Error("x"),
  "a property whose value is a BigInt": { a: { b: [1n] } },
  "one byte more than 1 MiB": "x".repeat(1_048_576 - 1),
};
const options: Record<string, object> = {
  "an unknown option": { prioritiy: 1 },
  "an empty queue": { queue: "" },
  "a queue of 129 bytes": { queue: "é".repeat(65) },
  "a queue with U+0000": { queue: "a\u0000" },
  "a queue that is a number": { queue: 1 },
  "a priority of 1.5": { priority: 1.5 },
  "a priority of 5": { priority: 5 },
  "a priority that is a text": { priority: "1" },
  "a maxAttempts of 0": { maxAttempts: 0 },
  "a maxAttempts of NaN": { maxAttempts: Number.NaN },
  "a negative delayMs": { delayMs: -1 },
  "an infinite delayMs": { delayMs: Number.POSITIVE_INFINITY },
  "an invalid date": { runAt: new Date("never") },
  "a runAt that is a text": { runAt: "2026-01-01" },
  "both runAt and delayMs": { runAt: new Date(), delayMs: 1 },
  "a startBefore that is an invalid date": { startBefore: new Date("never") },
  "a startBefore that is not after runAt": { runAt: new Date(2e12), startBefore: new Date(1e12) },
  "an empty uniqueKey": { uniqueKey: "" },
  "a uniqueKey of 513 bytes": { uniqueKey: "x".repeat(513) },
  "a uniqueUntil without a key": { uniqueUntil: "finished" },
  "a uniqueUntil that is unknown": { uniqueKey: "k", uniqueUntil: "never" },
  "an onConflict without a key": { onConflict: "debounce" },
  "an onConflict that is unknown": { uniqueKey: "k", onConflict: "replace" },
  "a partitionKey that is null": { partitionKey: null },
  "headers that are an array": { headers: [] },
  "headers with a BigInt": { headers: { a: 1n } },
};
const jobs: Record<string, Make> = {
  ...Object.fromEntries(
    Object.entries(payloads).map(([name, value]) => [
      `a payload that is ${name}`,
      (job: AnyJob) => job(value),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name, (job: AnyJob) => job(null, value)]),
  ),
  "a payload that its schema refuses": () => strict({ a: 1 }),
  "no job": () => undefined,
  "null in place of a job": () => null,
  "a job type in place of a job": (job) => job,
  "a promise of a job": (job) => Promise.resolve(job(null)),
  "a plain object in place of a job": () => ({ name: "x", payload: null }),
};

const cases = Object.entries(jobs).map(
  ([name, make]): Case => ({
    name: `${name} is refused before anything is sent, and the transaction goes on`,
    async run(context) {
      const type = context.jobType();
      const { connection, wire } = await context.wired();
      const open = await context.open(connection);
      const bad = make(type) as Job;
      await silently(wire, "a refused job", async () => {
        const error = await refusal(
          context.verbs.enqueue(open.tx, bad),
          "INVALID_JOB",
          `enqueue accepted ${name}`,
        );
        assert.ok(error.message.length > 20, "the error says too little");
        await refusal(
          context.verbs.enqueueMany(open.tx, [type(1), bad, type(2)]),
          "INVALID_JOB",
          `enqueueMany accepted ${name}`,
        );
      });
      await accepted(context.verbs.enqueue(open.tx, type(null)), "the transaction is no longer usable");
      await open.commit();
      const stored = await context.reader.jobs(type.name);
      assert.equal(stored.length, 1, "jobs that exist, where one good job was enqueued");
    },
  }),
);

/** What cannot be a job is refused before any SQL. */
export const badInput: Suite = { name: "bad input", cases: () => cases };
