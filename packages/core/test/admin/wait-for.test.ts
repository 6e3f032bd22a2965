import { DiscardError, defineJob, type } from "@pillion/core";
import type { Statement } from "@pillion/core/adapter";
import { createAdmin } from "@pillion/core/admin";
import { createWorker, type Handler, handle } from "@pillion/core/worker";
import { afterEach, beforeEach, expect, expectTypeOf, onTestFinished, test } from "vitest";
import { z } from "zod";
import { type TestQueue, testQueue, until } from "../worker/queue.ts";

let queue: TestQueue;
const stops: (() => Promise<void>)[] = [];
beforeEach(async () => {
  queue = await testQueue();
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await queue.drop();
});

const add = defineJob({
  name: "add",
  payload: type<[number, number]>(),
  result: z.object({ sum: z.number(), at: z.iso.datetime().optional() }),
});
const sum = handle(add, ({ payload: [a, b] }) => ({ sum: a + b }));

async function work(...handlers: Handler[]): Promise<void> {
  const { schema, pool } = queue;
  const worker = createWorker({ database: pool, schema, handlers, logger: false, pollMs: 20 });
  stops.push(() => worker.stop({ graceMs: 0 }));
  await worker.start();
}

/** An admin whose statements are counted, on the same pool. */
function counted() {
  const sent: Statement[] = [];
  const { pool, schema } = queue;
  const admin = createAdmin({
    schema,
    database: {
      name: "counting",
      async run(statement) {
        sent.push(statement);
        return (await pool.query(statement.text, [...statement.values])).rows;
      },
    },
  });
  onTestFinished(() => admin.close());
  return { admin, sent };
}

test("whoever waits gets the typed result, before the job starts, while it runs and after it", async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const id = await queue.add("add", [1, 2]);
  const before = queue.admin.waitFor(id, add);
  await work(
    handle(add, async ({ payload: [a, b] }) => {
      await held;
      return { sum: a + b };
    }),
  );
  await queue.reaches(id, "running");
  const meanwhile = queue.admin.waitFor(id, add);
  release();
  const result = await before;
  expectTypeOf(result).toEqualTypeOf<{ sum: number; at?: string | undefined }>();
  expect([result, await meanwhile, await queue.admin.waitFor(id, add)]).toEqual([
    { sum: 3 },
    { sum: 3 },
    { sum: 3 },
  ]);
});

test("a wait goes on over failed attempts", async () => {
  const flaky = defineJob({
    name: "flaky",
    payload: type<null>(),
    result: type<number>(),
    backoff: { type: "fixed", delayMs: 1 },
  });
  const id = await queue.add("flaky");
  const result = queue.admin.waitFor(id, flaky);
  await work(
    handle(flaky, ({ attempt }) => {
      if (attempt < 3) throw new Error("not yet");
      return attempt;
    }),
  );
  expect(await result).toBe(3);
});

test("a job without a result, and one that returned nothing, answer undefined", async () => {
  const bare = defineJob({ name: "bare", payload: type<null>() });
  const silent = defineJob({ name: "silent", payload: type<null>(), result: type<number | undefined>() });
  const ids = [await queue.add("bare"), await queue.add("silent")];
  await work(
    handle(bare, () => 1),
    handle(silent, () => undefined),
  );
  expect(await queue.admin.waitFor(ids[0]!, bare)).toBeUndefined();
  expect(await queue.admin.waitFor(ids[1]!, silent)).toBeUndefined();
});

test("a job that ends dead rejects with the error that is stored", async () => {
  const closed = defineJob({ name: "closed", payload: type<null>() });
  const id = await queue.add("closed");
  const result = queue.admin.waitFor(id, closed);
  await work(
    handle(closed, () => {
      throw new DiscardError("the account is closed");
    }),
  );
  await expect(result).rejects.toMatchObject({
    code: "JOB_DEAD",
    jobName: "closed",
    message: `Job ${id} "closed" is dead: DiscardError: the account is closed`,
    error: { name: "DiscardError", message: "the account is closed", code: "DISCARD" },
  });
});

test("a job that is cancelled rejects as cancelled", async () => {
  const id = await queue.add("add", [1, 2]);
  const result = queue.admin.waitFor(id, add);
  result.catch(() => {});
  await queue.query("select pillion.cancel(jsonb_build_object('ids', jsonb_build_array($1::text)))", [id]);
  await expect(result).rejects.toMatchObject({
    code: "JOB_CANCELLED",
    message: `Job ${id} "add" was cancelled.`,
  });
});

test("a result that the type no longer takes is refused with the validator's issues", async () => {
  const id = await queue.add("add", [1, 2]);
  await work(sum);
  const renamed = defineJob({
    name: "add",
    payload: type<unknown>(),
    result: z.object({ total: z.number("no total") }),
  });
  await expect(queue.admin.waitFor(id, renamed)).rejects.toMatchObject({
    code: "INVALID_RESULT",
    message: `Job ${id} "add" is completed, and its result is not valid for this job type: no total`,
    issues: [{ message: "no total", path: ["total"] }],
  });
});

test("a job that there is not, or that is of another name, is said at once", async () => {
  const other = defineJob({ name: "other", payload: type<null>() });
  const id = await queue.add("add", [1, 2]);
  await expect(queue.admin.waitFor("999999", add)).rejects.toMatchObject({
    code: "JOB_NOT_FOUND",
    message:
      "waitFor: there is no job 999999. It was never committed, or the time for which it was kept is over.",
  });
  await expect(queue.admin.waitFor(id, other)).rejects.toMatchObject({
    code: "INVALID_CONFIGURATION",
    message: `waitFor: job ${id} is a job "add", and not a job "other".`,
  });
});

test.each<[string, unknown[]]>([
  ["a job id is a whole number as text; got 7.", [7, add]],
  ['a job id is a whole number as text; got "seven".', ["seven", add]],
  ['got "add" where a job type is wanted.', ["7", "add"]],
  ["timeoutMs is -1, not a number of milliseconds from 0 to 100000000000000.", ["7", add, { timeoutMs: -1 }]],
])("what cannot work is refused before anything is sent: %s", async (message, given) => {
  const { admin, sent } = counted();
  await expect(admin.waitFor(...(given as Parameters<typeof admin.waitFor>))).rejects.toMatchObject({
    code: "INVALID_CONFIGURATION",
    message: `waitFor: ${message}`,
  });
  expect(sent).toEqual([]);
});

test("a wait ends after timeoutMs, having looked a few times, and the job goes on", async () => {
  const { admin, sent } = counted();
  const id = await queue.add("add", [1, 2]);
  await expect(admin.waitFor(id, add, { timeoutMs: 1_000 })).rejects.toMatchObject({
    code: "WAIT_TIMEOUT",
    retryable: true,
    message: `waitFor: job ${id} "add" has not ended within 1000 ms.`,
  });
  // At 0, 50, 150, 350 and 750 ms, at most; before them, once, at the default isolation level.
  expect(sent.length).toBeGreaterThan(2);
  expect(sent.length).toBeLessThanOrEqual(6);
  const looks = sent.length;
  await expect(admin.waitFor(id, add, { timeoutMs: 0 })).rejects.toMatchObject({ code: "WAIT_TIMEOUT" });
  expect(sent.length).toBe(looks + 1);
  expect((await queue.admin.job(id))!.state).toBe("ready");
});

test("three hundred waits share their statements", async () => {
  const { admin, sent } = counted();
  const ids = await Promise.all(Array.from({ length: 300 }, (_, n) => queue.add("add", [n, 1])));
  const results = Promise.all(ids.map((id) => admin.waitFor(id, add)));
  await until(() => sent.length > 0);
  await work(sum);
  expect((await results).map(({ sum }) => sum)).toEqual(ids.map((_, n) => n + 1));
  const looked = sent.length;
  expect(looked).toBeLessThan(100);
  await Promise.all(ids.map((id) => admin.waitFor(id, add)));
  expect(sent.length).toBe(looked + 1);
});

test("an aborted signal ends a wait with its reason, and no other", async () => {
  const { admin, sent } = counted();
  const id = await queue.add("add", [1, 2]);
  const abort = new AbortController();
  const [one, other] = [admin.waitFor(id, add, { signal: abort.signal }), admin.waitFor(id, add)];
  await until(() => sent.length > 0);
  abort.abort(new Error("the request was closed"));
  await expect(one).rejects.toThrow("the request was closed");
  await work(sum);
  expect(await other).toEqual({ sum: 3 });
  const looked = sent.length;
  await expect(admin.waitFor(id, add, { signal: abort.signal })).rejects.toThrow("the request was closed");
  expect(sent.length).toBe(looked);
});

test("an admin that is closed ends its waits", async () => {
  const { admin, sent } = counted();
  const wait = admin.waitFor(await queue.add("add", [1, 2]), add);
  const ended = expect(wait).rejects.toMatchObject({
    message: "waitFor: this admin was closed while it waited.",
  });
  await until(() => sent.length > 0);
  await admin.close();
  await ended;
});

test("an error of the database ends the waits that it hit, as it came", async () => {
  const id = await queue.add("add", [1, 2]);
  await queue.query("alter table pillion.archive rename to elsewhere");
  await expect(queue.admin.waitFor(id, add)).rejects.toMatchObject({ code: "SCHEMA_OUTDATED" });
  await queue.query("alter table pillion.elsewhere rename to archive");
});
