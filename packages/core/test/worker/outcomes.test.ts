import { DiscardError, defineJob, RetryError, type } from "@pillion/core";
import { createWorker, type Handler, handle, type WorkerOptions } from "@pillion/core/worker";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { listeningLogger, type TestQueue, testQueue, until } from "./queue.ts";

let queue: TestQueue;
const stops: (() => Promise<void>)[] = [];
beforeEach(async () => {
  queue = await testQueue();
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await queue.drop();
});

async function work(handlers: Handler[], options: Partial<WorkerOptions> = {}) {
  const logger = listeningLogger();
  const { schema, url } = queue;
  const worker = createWorker({ database: url, schema, handlers, logger, pollMs: 50, ...options });
  stops.push(() => worker.stop({ graceMs: 0 }));
  await worker.start();
  return logger;
}

test("a handler gets the payload, and its result is stored with the completed job", async () => {
  const add = defineJob({
    name: "add",
    payload: z.object({ a: z.number(), b: z.string().transform(Number) }),
    result: type<{ sum: number }>(),
  });
  const id = await queue.add("add", { a: 1, b: "2" }, { headers: { tenant: "t1" }, priority: 2 });
  let seen: unknown;
  await work([
    handle(add, async ({ payload, attempt, headers, id, queue }) => {
      seen = { attempt, headers, id, queue };
      return { sum: payload.a + payload.b };
    }),
  ]);
  await queue.reaches(id, "completed");
  expect(seen).toEqual({ attempt: 1, headers: { tenant: "t1" }, id, queue: "default" });
  const job = (await queue.admin.job(id))!;
  expect(job).toMatchObject({ result: { sum: 3 }, attempt: 1, priority: 2 });
  expect(job.attempts).toHaveLength(1);
  expect(job.attempts[0]).toMatchObject({ attempt: 1, outcome: "completed", error: null });
  expect(job.attempts[0]!.worker).toContain(String(process.pid));
});

test("a failed attempt is tried again after the backoff, and every attempt stays in the history", async () => {
  const flaky = defineJob({ name: "flaky", payload: type<null>(), backoff: { type: "fixed", delayMs: 40 } });
  const id = await queue.add("flaky");
  const logger = await work([
    handle(flaky, ({ attempt }) => {
      if (attempt < 3) throw new RangeError(`no luck in ${attempt}`);
    }),
  ]);
  await queue.reaches(id, "completed");
  const { attempts } = (await queue.admin.job(id))!;
  expect(attempts.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
    [1, "failed"],
    [2, "failed"],
    [3, "completed"],
  ]);
  expect(attempts[0]!.error).toMatchObject({ name: "RangeError", message: "no luck in 1" });
  expect(attempts[0]!.error!.stack).toContain("outcomes.test.ts");
  // By the database's clock, the wait is at least the backoff.
  expect(attempts[1]!.startedAt.getTime() - attempts[0]!.finishedAt!.getTime()).toBeGreaterThanOrEqual(40);
  expect(logger.lines).toContain(
    `job ${id} "flaky" (attempt 1 of 20) failed: RangeError: no luck in 1; next attempt in 40 ms`,
  );
});

test("a job is dead after its last attempt, with the error that ended it", async () => {
  const broken = defineJob({
    name: "broken",
    payload: type<null>(),
    maxAttempts: 2,
    backoff: { type: "fixed", delayMs: 0 },
  });
  const id = await queue.add("broken");
  const logger = await work([
    handle(broken, () => {
      throw Object.assign(new Error("no such account\u0000\ud800"), { code: "E_ACCOUNT" });
    }),
  ]);
  await queue.reaches(id, "dead");
  const { attempts, attempt } = (await queue.admin.job(id))!;
  expect(attempt).toBe(2);
  expect(attempts.map(({ outcome }) => outcome)).toEqual(["failed", "dead"]);
  expect(attempts[1]!.error).toMatchObject({ message: "no such account\ufffd", code: "E_ACCOUNT" });
  expect(
    logger.lines.some(
      (line) =>
        line.startsWith(`job ${id} "broken" (attempt 2 of 2) failed`) && line.endsWith("the job is dead"),
    ),
  ).toBe(true);
});

test("maxAttempts of the job itself goes before its type's", async () => {
  const broken = defineJob({ name: "broken", payload: type<null>(), backoff: { type: "fixed", delayMs: 0 } });
  const id = await queue.add("broken", null, { maxAttempts: 1 });
  await work([
    handle(broken, () => {
      throw new Error("always");
    }),
  ]);
  await queue.reaches(id, "dead");
  expect((await queue.admin.job(id))!.attempts).toHaveLength(1);
});

test("DiscardError and a retry function that says discard end the job at once", async () => {
  const thrown = defineJob({ name: "thrown", payload: type<null>() });
  const decided = defineJob({
    name: "decided",
    payload: type<null>(),
    retry: (error) => (error instanceof TypeError ? "discard" : "retry"),
  });
  const ids = [await queue.add("thrown"), await queue.add("decided")];
  await work([
    handle(thrown, () => {
      throw new DiscardError("the account is closed");
    }),
    handle(decided, () => {
      throw new TypeError("not a number");
    }),
  ]);
  for (const id of ids) await queue.reaches(id, "dead");
  expect((await queue.admin.job(ids[0]!))!.attempts).toMatchObject([
    { error: { message: "the account is closed" } },
  ]);
  expect((await queue.admin.job(ids[1]!))!.attempts).toHaveLength(1);
});

test("RetryError says when the next attempt may start", async () => {
  const later = defineJob({ name: "later", payload: type<null>(), backoff: { type: "fixed", delayMs: 0 } });
  const id = await queue.add("later");
  await work([
    handle(later, () => {
      throw new RetryError({ delayMs: 3_600_000 });
    }),
  ]);
  await queue.reaches(id, "scheduled");
  const job = (await queue.admin.job(id))!;
  expect(job.runAt.getTime() - job.attempts[0]!.finishedAt!.getTime()).toBe(3_600_000);
});

test("an attempt that exceeds timeoutMs counts as failed, and its signal says why", async () => {
  const slow = defineJob({ name: "slow", payload: type<null>(), timeoutMs: 50, maxAttempts: 1 });
  const id = await queue.add("slow", null, { maxAttempts: 1 });
  let reason: unknown;
  await work([
    handle(slow, ({ signal }) => {
      signal.addEventListener("abort", () => {
        reason = signal.reason;
      });
      return new Promise(() => {});
    }),
  ]);
  await queue.reaches(id, "dead");
  expect(reason).toMatchObject({ code: "JOB_TIMEOUT" });
  expect((await queue.admin.job(id))!.attempts).toMatchObject([
    { outcome: "dead", error: { code: "JOB_TIMEOUT" } },
  ]);
});

test("a payload that is no longer valid is dead with the validator's message, without another attempt", async () => {
  const strict = defineJob({ name: "strict", payload: z.object({ to: z.email("not an address") }) });
  const id = await queue.add("strict", { to: "nowhere" });
  let ran = false;
  await work([
    handle(strict, () => {
      ran = true;
    }),
  ]);
  await queue.reaches(id, "dead");
  expect(ran).toBe(false);
  const { attempts } = (await queue.admin.job(id))!;
  expect(attempts).toHaveLength(1);
  expect(attempts[0]!.error!.message).toContain("not an address");
});

test("a worker takes only names, versions and queues that it was given", async () => {
  const known = defineJob({ name: "known", payload: type<null>(), version: 2 });
  const others = [
    await queue.add("unknown"),
    await queue.add("known", null, { version: 1 }),
    await queue.add("known", null, { version: 2, queue: "elsewhere" }),
  ];
  const id = await queue.add("known", null, { version: 2 });
  const logger = await work([handle(known, () => {})]);
  await queue.reaches(id, "completed");
  for (const other of others)
    expect((await queue.admin.job(other))!).toMatchObject({ state: "ready", attempt: 0 });
  // It looks for such names beside its other work.
  const said = '1 job "unknown" waits in queue "default"; no running worker handles it';
  await until(() => logger.lines.includes(said));
});

test("higher priority runs first, and equals run in the order in which they were enqueued", async () => {
  const order: number[] = [];
  const seen = defineJob({ name: "seen", payload: type<number>() });
  for (const [payload, priority] of [
    [3, 0],
    [4, 0],
    [5, -4],
    [1, 4],
    [2, 1],
  ] as const)
    await queue.add("seen", payload, { priority });
  await work([handle(seen, ({ payload }) => void order.push(payload))], { concurrency: 1 });
  await until(() => order.length === 5);
  expect(order).toEqual([1, 2, 3, 4, 5]);
});

test("a scheduled job runs when its time has come, and not before", async () => {
  const later = defineJob({ name: "later", payload: type<null>() });
  const never = await queue.add("later", null, { delayMs: 3_600_000 });
  const id = await queue.add("later", null, { delayMs: 150 });
  await work([handle(later, () => {})]);
  await queue.reaches(id, "completed");
  const job = (await queue.admin.job(id))!;
  expect(job.attempts[0]!.startedAt.getTime() - job.createdAt.getTime()).toBeGreaterThanOrEqual(150);
  expect((await queue.admin.job(never))!.state).toBe("scheduled");
});

test("a job that failed goes on without its unique key when a newer one has it", async () => {
  const keyed = defineJob({ name: "keyed", payload: type<number>(), backoff: { type: "fixed", delayMs: 0 } });
  const first = await queue.add("keyed", 1, { uniqueKey: "k" });
  let second = "";
  await work([
    handle(keyed, async ({ payload, attempt }) => {
      if (payload !== 1 || attempt > 1) return;
      second = await queue.add("keyed", 2, { uniqueKey: "k", delayMs: 3_600_000 });
      throw new Error("again");
    }),
  ]);
  await queue.reaches(first, "completed");
  expect(second).not.toBe(first);
  expect((await queue.admin.job(first))!.attempts).toHaveLength(2);
  expect((await queue.admin.job(second))!.state).toBe("scheduled");
});
