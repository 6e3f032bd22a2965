import { defineJob, type } from "@pillion/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type OwnQueue, ownQueue } from "./own-queue.ts";

let queue: OwnQueue;
beforeAll(async () => {
  queue = await ownQueue("options");
});
afterAll(() => queue.drop());

const mail = defineJob({ name: "mail.send", payload: type<unknown>() });
const milliseconds = "not a number of milliseconds from 0 to 100000000000000";
const priorities = "not a whole number from -4 to 4";
const attempts = "not a whole number from 1 to 2147483647";
const until = 'none of "started", "finished" and { periodMs }';

const refused: [options: unknown, message: string][] = [
  [{ queue: "" }, "its queue is empty"],
  [{ queue: 7 }, "its queue is 7, not a text"],
  [{ queue: null }, "its queue is null, not a text"],
  [{ queue: `${"é".repeat(64)}x` }, "its queue has 129 bytes; at most 128 are allowed"],
  [{ queue: "a\u0000" }, "its queue contains the character U+0000, which Postgres cannot store"],
  [{ queue: "\ud800" }, "its queue contains half of a surrogate pair, which UTF-8 cannot carry"],
  [{ uniqueKey: "" }, "its uniqueKey is empty"],
  [{ uniqueKey: 7 }, "its uniqueKey is 7, not a text"],
  [{ uniqueKey: "k".repeat(513) }, "its uniqueKey has 513 bytes; at most 512 are allowed"],
  [{ uniqueKey: "a\u0000" }, "its uniqueKey contains the character U+0000, which Postgres cannot store"],
  [{ partitionKey: "" }, "its partitionKey is empty"],
  [{ partitionKey: {} }, "its partitionKey is an object, not a text"],
  [{ partitionKey: "é".repeat(257) }, "its partitionKey has 514 bytes; at most 512 are allowed"],
  [{ priority: 1.5 }, `its priority is 1.5, ${priorities}`],
  [{ priority: "1" }, `its priority is "1", ${priorities}`],
  [{ priority: 5 }, `its priority is 5, ${priorities}`],
  [{ priority: -5 }, `its priority is -5, ${priorities}`],
  [{ priority: Number.NaN }, `its priority is NaN, ${priorities}`],
  [{ priority: Object.create(null) }, `its priority is an object, ${priorities}`],
  [{ priority: null }, `its priority is null, ${priorities}`],
  [{ maxAttempts: 0 }, `its maxAttempts is 0, ${attempts}`],
  [{ maxAttempts: -1 }, `its maxAttempts is -1, ${attempts}`],
  [{ maxAttempts: 2.5 }, `its maxAttempts is 2.5, ${attempts}`],
  [{ maxAttempts: 2 ** 31 }, `its maxAttempts is 2147483648, ${attempts}`],
  [{ maxAttempts: Number.POSITIVE_INFINITY }, `its maxAttempts is Infinity, ${attempts}`],
  [{ delayMs: -1 }, `its delayMs is -1, ${milliseconds}`],
  [{ delayMs: Number.NaN }, `its delayMs is NaN, ${milliseconds}`],
  [{ delayMs: Number.POSITIVE_INFINITY }, `its delayMs is Infinity, ${milliseconds}`],
  [{ delayMs: "5 minutes" }, `its delayMs is "5 minutes", ${milliseconds}`],
  [{ delayMs: 5n }, `its delayMs is 5, ${milliseconds}`],
  [{ runAt: new Date("tomorrow") }, "its runAt is an invalid Date"],
  [{ runAt: new Date(Number.POSITIVE_INFINITY) }, "its runAt is an invalid Date"],
  [{ runAt: "infinity" }, 'its runAt is "infinity", not a Date'],
  [{ runAt: 1_767_225_600_000 }, "its runAt is 1767225600000, not a Date"],
  [{ runAt: null }, "its runAt is null, not a Date"],
  [{ runAt: new Date(-8.64e15) }, "its runAt is before the year -4000, which Postgres cannot store"],
  [{ runAt: new Date(), delayMs: 1 }, "it has both runAt and delayMs; give one of them"],
  [{ startBefore: new Date("tomorrow") }, "its startBefore is an invalid Date"],
  [{ startBefore: "2030-01-31" }, 'its startBefore is "2030-01-31", not a Date'],
  [
    { startBefore: new Date(-8.64e15) },
    "its startBefore is before the year -4000, which Postgres cannot store",
  ],
  [{ runAt: new Date(2e12), startBefore: new Date(2e12) }, "its startBefore is not after its runAt"],
  [{ uniqueUntil: "finished" }, "it has uniqueUntil but no uniqueKey"],
  [{ uniqueKey: "k", uniqueUntil: "never" }, `its uniqueUntil is "never", ${until}`],
  [{ uniqueKey: "k", uniqueUntil: null }, `its uniqueUntil is null, ${until}`],
  [{ uniqueKey: "k", uniqueUntil: { periodMs: 1, from: 2 } }, `its uniqueUntil is an object, ${until}`],
  [
    { uniqueKey: "k", uniqueUntil: { periodMs: 0 } },
    "its uniqueUntil.periodMs is 0, not a number of milliseconds from 1 to 100000000000000",
  ],
  [
    { uniqueKey: "k", uniqueUntil: { periodMs: undefined } },
    "its uniqueUntil.periodMs is null, not a number of milliseconds from 1 to 100000000000000",
  ],
  [{ onConflict: "debounce" }, "it has onConflict but no uniqueKey"],
  [
    { uniqueKey: "k", onConflict: "replace" },
    'its onConflict is "replace", none of "keep", "debounce" and "throttle"',
  ],
  [{ uniqueKey: "k", onConflict: null }, 'its onConflict is null, none of "keep", "debounce" and "throttle"'],
  [
    { uniqueKey: "k", uniqueUntil: "finished", onConflict: "throttle" },
    'its onConflict is "throttle", which changes a job that waits: its uniqueUntil can only be "started"',
  ],
  [
    { uniqueKey: "k", uniqueUntil: { periodMs: 1 }, onConflict: "debounce" },
    'its onConflict is "debounce", which changes a job that waits: its uniqueUntil can only be "started"',
  ],
  [{ headers: [] }, "its headers are an array, not an object"],
  [{ headers: "a" }, 'its headers are "a", not an object'],
  [{ headers: null }, "its headers are null, not an object"],
  [
    { headers: new Map() },
    "its headers is an instance of Map, which JSON would flatten; pass a plain object",
  ],
  [{ headers: { a: { b: 1n } } }, "its headers.a.b is a BigInt, which JSON cannot carry; pass it as text"],
  [
    { prioritiy: 1 },
    'it has the unknown option "prioritiy". Known: queue, priority, runAt, delayMs, startBefore, maxAttempts, uniqueKey, uniqueUntil, onConflict, partitionKey, headers',
  ],
  ["urgent", 'its options are "urgent", not a plain object'],
  [[], "its options are an array, not a plain object"],
  [new Date(), "its options are an instance of Date, not a plain object"],
  [() => {}, "its options are a function, not a plain object"],
];

test.each(refused.map(([options, message]) => [message, options]))(
  "a job is refused before anything is sent, and the transaction goes on: %s",
  async (message, options) => {
    const tx = await queue.begin();
    const before = queue.sent.length;
    const error = await queue.verbs.enqueue(tx, mail(1, options as never)).catch((error) => error);
    expect(error).toMatchObject({ code: "INVALID_JOB", jobName: "mail.send" });
    expect(error.message).toBe(`Job "mail.send": ${message}.`);
    expect(queue.sent.length).toBe(before);
    await tx.query("select 1");
  },
);

test("an option that is undefined is as if it were absent", async () => {
  const tx = await queue.begin();
  const absent = Object.fromEntries(
    [
      "queue",
      "priority",
      "runAt",
      "delayMs",
      "startBefore",
      "maxAttempts",
      "uniqueKey",
      "uniqueUntil",
      "onConflict",
      "partitionKey",
      "headers",
    ].map((name) => [name, undefined]),
  );
  const [bare, undefineds] = await queue.verbs.enqueueMany(tx, [mail(1), mail(1, absent)]);
  const stored = async (id: string) => {
    const [row] = await queue.query(
      "select queue, priority, state, start_before, max_attempts, unique_key, partition_key, headers from pillion.job where id = $1",
      [id],
      tx,
    );
    return row;
  };
  expect(await stored(undefineds!.id)).toEqual(await stored(bare!.id));
});
