import { defineJob, type } from "@pillion/core";
import { createWorker, handle, type Schedule, schedule, type WorkerOptions } from "@pillion/core/worker";
import { expect, test } from "vitest";
import { z } from "zod";
import { type TestQueue, testQueue } from "../worker/queue.ts";

const report = defineJob({ name: "report", payload: z.object({ to: z.string() }) });
const job = report({ to: "a@b.c" });
const cron = "0 7 * * *";

const refused: [string, unknown, string | RegExp][] = [
  ["no object", null, "A schedule is null, not an object: { name, cron or everyMs, job }."],
  ["no name", { cron, job }, "The name of a schedule is undefined, not a text."],
  ["a name too long", { name: "x".repeat(129), cron, job }, /has 129 bytes; at most 128/],
  ["an unknown option", { name: "s", cron, job, timezone: "UTC" }, /unknown option "timezone"/],
  ["both cron and everyMs", { name: "s", cron, everyMs: 1_000, job }, /both cron and everyMs/],
  ["neither", { name: "s", job }, /neither cron nor everyMs/],
  [
    "an interval with a zone",
    { name: "s", everyMs: 1_000, timeZone: "UTC", job },
    /timeZone, which is for cron lines/,
  ],
  [
    "too short an interval",
    { name: "s", everyMs: 99, job },
    /its everyMs is 99, not a whole number .* from 100 to/,
  ],
  ["half a millisecond", { name: "s", everyMs: 100.5, job }, /its everyMs is 100.5/],
  ["a cron that is no text", { name: "s", cron: 5, job }, /its cron is 5, not a text/],
  ["four fields", { name: "s", cron: "* * * *", job }, /"\* \* \* \*" has 4 fields, not 5 .* or 6/],
  ["a year", { name: "s", cron: "0 0 7 1 1 * 2030", job }, /has 7 fields/],
  ["a date", { name: "s", cron: "2030-01-01T00:00:00Z", job }, /has 1 fields/],
  [
    "a minute that there is not",
    { name: "s", cron: "61 * * * *", job },
    /"61 \* \* \* \*" is not valid: .*61/,
  ],
  ["a word for an hour", { name: "s", cron: "0 noon * * *", job }, /is not valid: /],
  ["a nickname that there is not", { name: "s", cron: "@fortnightly", job }, /is not valid: /],
  ["a date that never comes", { name: "s", cron: "0 0 31 2,4,6 *", job }, /names no date that ever comes/],
  [
    "a zone that there is not",
    { name: "s", cron, timeZone: "Mars/Base", job },
    /"Mars\/Base" is no time zone/,
  ],
  ["no zone's name", { name: "s", cron, timeZone: "", job }, /timeZone "" is no time zone/],
  ["an offset for a zone", { name: "s", cron, timeZone: "+02:00", job }, /"\+02:00" is no time zone/],
  [
    "a policy that there is not",
    { name: "s", cron, missed: "all", job },
    /its missed is "all", not "skip" or "runOnce"/,
  ],
  ["no job", { name: "s", cron }, /its job is undefined\. Pass a job/],
  ["a job type for a job", { name: "s", cron, job: report }, /its job is a function\. Pass a job/],
  [
    "a job with a time",
    { name: "s", cron, job: report({ to: "" }, { delayMs: 5 }) },
    /"report" has the option "delayMs"/,
  ],
  [
    "a job with a key",
    { name: "s", cron, job: report({ to: "" }, { uniqueKey: "k" }) },
    /has the option "uniqueKey"/,
  ],
  [
    "a header that is ours",
    { name: "s", cron, job: report({ to: "" }, { headers: { "pillion.slot": 1 } }) },
    /has the header "pillion.slot"/,
  ],
];

const options = (schedules: unknown, changes: Partial<WorkerOptions> = {}): WorkerOptions => ({
  database: "postgres://127.0.0.1:1/none",
  handlers: [handle(report, () => {})],
  schedules: schedules as Schedule[],
  logger: false,
  ...changes,
});

test.each(refused)("schedule refuses %s, and so does createWorker", (_, definition, message) => {
  expect(() => schedule(definition as Schedule)).toThrow(message);
  expect(() => createWorker(options([definition]))).toThrow(message);
  expect(() => schedule(definition as Schedule)).toThrow(
    expect.objectContaining({ code: "INVALID_DEFINITION" }),
  );
});

test.each([
  [
    "two schedules of one name",
    [schedule({ name: "s", cron, job }), { name: "s", everyMs: 1_000, job }],
    /two schedules "s"/,
  ],
  ["schedules that are no array", schedule({ name: "s", cron, job }), /schedules is not an array/],
])("createWorker refuses %s", (_, schedules, message) => {
  expect(() => createWorker(options(schedules))).toThrow(message);
});

test("createWorker refuses a payload that the job's schema refuses, and says whose", () => {
  expect(() => createWorker(options([{ name: "daily", cron, job: report({ to: 5 as never }) }]))).toThrow(
    /^Schedule "daily": Job "report": its payload is not valid: payload\.to: /,
  );
});

test.each([
  ["five fields", "*/5 * * * *"],
  ["six fields", "*/5 * * * * *"],
  ["names", "0 9-17 * jan-mar mon-fri"],
  ["a nickname", "@hourly"],
  ["the last day of a month", "0 0 L * *"],
  ["the second Friday of a month", "0 0 * * FRI#2"],
])("schedule takes %s", (_, line) => {
  expect(schedule({ name: "s", cron: line, timeZone: "Europe/Berlin", job })).toEqual({
    name: "s",
    cron: line,
    timeZone: "Europe/Berlin",
    job,
  });
});

test("start and admin.schedules.set refuse a payload that a schema refuses in its own time, and store nothing", async () => {
  const queue: TestQueue = await testQueue();
  try {
    const slow = defineJob({ name: "slow", payload: z.string().refine(async (text) => text === "good") });
    const bad = schedule({ name: "bad", cron, job: slow("bad") });
    const worker = createWorker(options([bad], { database: queue.url, schema: queue.schema }));
    await expect(worker.start()).rejects.toMatchObject({
      code: "INVALID_JOB",
      message: /^Schedule "bad": Job "slow"/,
    });
    await worker.stop();
    await expect(queue.admin.schedules.set(bad)).rejects.toMatchObject({ code: "INVALID_JOB" });
    await expect(queue.admin.schedules.set({ name: "s", cron: "no", job })).rejects.toMatchObject({
      code: "INVALID_DEFINITION",
    });
    expect(await queue.admin.schedules.list()).toEqual([]);
    await queue.admin.schedules.set(schedule({ name: "good", cron, job: slow("good") }));
    expect(await queue.admin.schedules.list()).toMatchObject([{ name: "good", job: { payload: "good" } }]);
  } finally {
    await queue.drop();
  }
});

test("a payload that is JSON null, and a schedule without headers, are stored as such", async () => {
  const queue = await testQueue();
  try {
    const nothing = defineJob({ name: "nothing", payload: type<null>() });
    await queue.admin.schedules.set(schedule({ name: "s", everyMs: 100, job: nothing(null) }));
    expect(await queue.query("select payload::text, headers from pillion.schedule")).toEqual([
      { payload: "null", headers: null },
    ]);
  } finally {
    await queue.drop();
  }
});
