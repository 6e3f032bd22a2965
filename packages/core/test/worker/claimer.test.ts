import { DiscardError, defineJob, RetryError, type } from "@pillion/core";
import { expect, test } from "vitest";
import { z } from "zod";
import { claimShop } from "./claimers.ts";

const add = defineJob({
  name: "add",
  payload: z.object({ a: z.number(), b: z.string().transform(Number) }),
  result: type<{ sum: number }>(),
});
const plain = defineJob({
  name: "plain",
  payload: type<number>(),
  maxAttempts: 3,
  backoff: { type: "fixed", delayMs: 3_600_000 },
});

test("a claimed job has its type's payload, and complete stores its result and its attempt", async () => {
  const { queue, claimer } = await claimShop();
  const hand = claimer([add, plain]);
  const id = await queue.add("add", { a: 1, b: "2" }, { headers: { tenant: "t1" } });
  const [job] = await hand.claim();
  expect(job).toMatchObject({ id, name: "add", attempt: 1, headers: { tenant: "t1" } });
  if (!hand.is(job!, add)) throw new Error("it is no job of this type");
  await hand.complete(job, { sum: job.payload.a + job.payload.b });
  const { state, result, attempts } = (await queue.admin.job(id))!;
  expect({ state, result }).toEqual({ state: "completed", result: { sum: 3 } });
  expect(attempts).toMatchObject([{ attempt: 1, outcome: "completed" }]);
  expect(attempts[0]!.worker).toContain(String(process.pid));
});

test("claim answers at most as many as asked, the highest priority first, and none where none is ready", async () => {
  const { queue, claimer } = await claimShop();
  const hand = claimer([plain]);
  expect(await hand.claim()).toEqual([]);
  for (const [payload, priority] of [
    [3, 0],
    [1, 4],
    [2, 1],
  ] as const)
    await queue.add("plain", payload, { priority });
  await queue.add("other", 9);
  await queue.add("plain", 9, { delayMs: 3_600_000 });
  const jobs = [...(await hand.claim({ limit: 2 })), ...(await hand.claim({ limit: 2 }))];
  expect(jobs.map(({ payload }) => payload)).toEqual([1, 2, 3]);
  expect(await hand.claim({ limit: 500 })).toEqual([]);
  // What is said at once is written together, and all of it is written.
  await Promise.all(jobs.map((job) => hand.complete(job)));
  for (const { id } of jobs) expect((await queue.admin.job(id))!.state).toBe("completed");
});

test("a job whose payload is not valid is dead with the validator's message, and the claim answers the next", async () => {
  const { queue, claimer } = await claimShop();
  const hand = claimer([add]);
  const invalid = await queue.add("add", { a: "one", b: "2" });
  const late = await queue.add("add", { a: 1, b: "2" }, { startBefore: new Date(Date.now() - 3_600_000) });
  const valid = await queue.add("add", { a: 1, b: "2" });
  expect((await hand.claim()).map(({ id }) => id)).toEqual([valid]);
  await queue.reaches(invalid, "dead");
  await queue.reaches(late, "cancelled");
  expect((await queue.admin.job(invalid))!.attempts).toMatchObject([
    { outcome: "dead", error: { code: "INVALID_JOB", message: expect.stringContaining("expected number") } },
  ]);
});

test("fail has the job tried again after its type's backoff, or after delayMs, with every attempt on record", async () => {
  const { queue, claimer } = await claimShop();
  const hand = claimer([plain]);
  const id = await queue.add("plain", 1);
  const [first] = await hand.claim();
  const again = await hand.fail(first!, new RangeError("no luck"), { delayMs: 0 });
  expect(again).toEqual({ dead: false, delayMs: 0 });
  const [second] = await hand.claim();
  expect(second).toMatchObject({ id, attempt: 2 });
  expect(await hand.fail(second!, new Error("again"))).toEqual({ dead: false, delayMs: 3_600_000 });
  const { state, runAt, attempts } = (await queue.admin.job(id))!;
  expect(state).toBe("scheduled");
  expect(runAt.getTime() - attempts[1]!.finishedAt!.getTime()).toBe(3_600_000);
  expect(attempts).toMatchObject([
    { attempt: 1, outcome: "failed", error: { name: "RangeError", message: "no luck" } },
    { attempt: 2, outcome: "failed", error: { message: "again" } },
  ]);
  expect(hand.lines).toContain(
    `job ${id} "plain" (attempt 1 of 3) failed: RangeError: no luck; next attempt in 0 ms`,
  );
});

test("a job is dead after its last attempt, with discard, with a DiscardError, and where its type's retry says so", async () => {
  const { queue, claimer } = await claimShop();
  const decided = defineJob({ name: "decided", payload: type<number>(), retry: () => "discard" });
  const hand = claimer([plain, decided]);
  const ids = [
    await queue.add("plain", 1, { maxAttempts: 1 }),
    await queue.add("plain", 2),
    await queue.add("plain", 3),
    await queue.add("decided", 4),
  ];
  const jobs = await hand.claim({ limit: 4 });
  const error = new Error("why");
  const ends = [
    await hand.fail(jobs[0]!, error),
    await hand.fail(jobs[1]!, error, { discard: true }),
    await hand.fail(jobs[2]!, new DiscardError("why")),
    await hand.fail(jobs[3]!, error),
  ];
  expect(ends).toEqual(ids.map(() => ({ dead: true, delayMs: undefined })));
  for (const id of ids)
    expect(await queue.admin.job(id)).toMatchObject({ state: "dead", error: { message: "why" } });
});

test("a RetryError, and delayMs, go before what the type's retry says", async () => {
  const { queue, claimer } = await claimShop();
  const decided = defineJob({ name: "decided", payload: type<number>(), retry: () => "discard" });
  const hand = claimer([decided]);
  for (const payload of [1, 2]) await queue.add("decided", payload);
  const jobs = await hand.claim({ limit: 2 });
  expect(await hand.fail(jobs[0]!, new RetryError({ delayMs: 60_000 }))).toEqual({
    dead: false,
    delayMs: 60_000,
  });
  expect(await hand.fail(jobs[1]!, new Error("x"), { delayMs: 70_000 })).toEqual({
    dead: false,
    delayMs: 70_000,
  });
});

test("snooze and release use no attempt: the one puts the job off, the other hands it to whoever comes", async () => {
  const { queue, claimer } = await claimShop();
  const hand = claimer([plain]);
  const ids = [await queue.add("plain", 1), await queue.add("plain", 2)];
  const jobs = await hand.claim({ limit: 2 });
  await hand.snooze(jobs[0]!, { delayMs: 3_600_000 });
  await hand.release(jobs[1]!);
  expect(await queue.admin.job(ids[0]!)).toMatchObject({ state: "scheduled", attempt: 0 });
  expect(await queue.admin.job(ids[1]!)).toMatchObject({ state: "ready", attempt: 0 });
  expect(await claimer([plain]).claim()).toMatchObject([{ id: ids[1], attempt: 1 }]);
});

test("a job can be settled once, by the claimer that claimed it, and with that very object", async () => {
  const { queue, claimer } = await claimShop();
  const hand = claimer([plain]);
  const id = await queue.add("plain", 1);
  const [job] = await hand.claim();
  const refused = (message: RegExp) => ({ code: "INVALID_REQUEST", message: expect.stringMatching(message) });
  await expect(hand.complete({ ...job! })).rejects.toMatchObject(refused(/^complete: this is no job/));
  await expect(claimer([plain]).fail(job!, "x")).rejects.toMatchObject(refused(/^fail: this is no job/));
  await hand.complete(job!);
  await expect(hand.fail(job!, "x")).rejects.toMatchObject(
    refused(
      new RegExp(`^fail: job ${id} "plain" \\(attempt 1 of 3\\) has been settled by complete\\(\\) already`),
    ),
  );
  await expect(hand.extend(job!)).rejects.toMatchObject(refused(/settled by complete/));
  expect((await queue.admin.job(id))!.state).toBe("completed");
});

test("what cannot be taken is refused by name, and the job is still held", async () => {
  const { queue, claimer } = await claimShop();
  const hand = claimer([add]);
  await queue.add("add", { a: 1, b: "2" });
  for (const limit of [0, -1, 1.5, Number.NaN, 501, "2"])
    await expect(hand.claim({ limit: limit as number })).rejects.toThrow(/^claim: limit is .*from 1 to 500/);
  await expect(hand.claim({ most: 1 } as never)).rejects.toThrow('claim: unknown option "most"');
  const [job] = await hand.claim();
  await expect(hand.fail(job!, "x", { delayMs: -1 })).rejects.toThrow("fail: delayMs is -1");
  await expect(hand.fail(job!, "x", { retryInMs: 1 } as never)).rejects.toThrow('unknown option "retryInMs"');
  await expect(hand.fail(job!, "x", { delayMs: 1, discard: true })).rejects.toThrow("drop one of the two");
  await expect(hand.snooze(job!, {} as never)).rejects.toThrow("snooze: delayMs is undefined");
  await expect(hand.complete(job!, { sum: 1n } as never)).rejects.toMatchObject({
    code: "INVALID_JOB",
    message: expect.stringContaining("is still held"),
  });
  await hand.complete(job!, { sum: 3 });
  expect(await queue.admin.job(job!.id)).toMatchObject({ state: "completed", result: { sum: 3 } });
});

test.each([
  ["no job types", { jobTypes: [] }, /jobTypes is empty/],
  ["a handler for a job type", { jobTypes: [{}] }, /an object, which defineJob did not return/],
  ["a job type twice", { jobTypes: [plain, plain] }, /job "plain" version 1 stands twice/],
  ["no queue", { queues: [] }, /queues is empty/],
  ["a queue without a name", { queues: [""] }, /is empty/],
  ["a queue twice", { queues: ["a", "a"] }, /queue "a" is named twice/],
  ["a lease that is too short", { leaseMs: 0 }, /leaseMs is 0/],
  ["an unknown option", { concurrency: 3 }, /unknown option "concurrency"/],
  ["a database that is none", { database: {} }, /pass a connection URL/],
])("createClaimer refuses %s", async (_, options, message) => {
  const { claimer } = await claimShop();
  expect(() => claimer([plain], options as never)).toThrow(message);
});

test("stop hands back what is held and signs off, and leaves the application's pool open", async () => {
  const { queue, claimer } = await claimShop();
  const hand = claimer([plain]);
  const id = await queue.add("plain", 1);
  const [job] = await hand.claim();
  await Promise.all([hand.stop(), hand.stop()]);
  expect(job!.signal.reason).toMatchObject({ code: "WORKER_STOPPING" });
  expect(await queue.admin.job(id)).toMatchObject({ state: "ready", attempt: 0 });
  expect(await queue.query("select from pillion.worker where stopped_at is null")).toEqual([]);
  await expect(hand.complete(job!)).rejects.toMatchObject({ code: "WORKER_STOPPING" });
  await expect(hand.claim()).rejects.toMatchObject({ code: "INVALID_CONFIGURATION" });
});
