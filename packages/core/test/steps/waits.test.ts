import {
  ChildFailedError,
  DiscardError,
  defineEvent,
  defineJob,
  PillionError,
  RetryError,
  type,
} from "@pillion/core";
import { type DurableJob, handle } from "@pillion/core/worker";
import { expect, test } from "vitest";
import { type TestQueue, until } from "../worker/queue.ts";
import { workshop } from "../worker/workers.ts";

const story = defineJob({
  name: "story",
  payload: type<unknown>(),
  result: type<unknown>(),
  maxAttempts: 3,
  backoff: { type: "fixed", delayMs: 0 },
});
const packed = defineEvent({ name: "shipment.packed", payload: type<{ boxes: number }>() });
const leaf = defineJob({ name: "leaf", payload: type<number>(), result: type<number>(), maxAttempts: 1 });
const again = () => new RetryError({ delayMs: 0, message: "once more" });
const forEver = new Date("3000-01-01T00:00:00Z");

const emit = (queue: TestQueue, key: string, payload: unknown) =>
  queue.query("select pillion.emit('shipment.packed', $1, $2::text::jsonb, 86400000)", [
    key,
    JSON.stringify(payload),
  ]);
/** Waits until the job waits, and no attempt of it runs. */
const sleeps = (queue: TestQueue, id: string) =>
  until(async () => {
    const rows = await queue.query(
      "select 1 from pillion.job j join pillion.checkpoint c on c.job = j.id where j.id = $1 and j.state = 'scheduled' and not c.done",
      [id],
    );
    return rows.length > 0;
  });
const story1 = (run: (job: DurableJob<unknown>) => unknown) => handle(story, run);

test("a job that sleeps holds no slot and uses no attempt, and goes on behind the sleep", async () => {
  const { queue, work } = await workshop();
  const ran: string[] = [];
  await work(
    [
      story1(async (job) => {
        await job.step("before", () => void ran.push(`before ${job.payload}`));
        await job.sleep(300);
        ran.push(`after ${job.payload}`);
        return job.attempt;
      }),
    ],
    { concurrency: 1 },
  );
  const first = await queue.add("story", 1);
  await sleeps(queue, first);
  const second = await queue.add("story", 2);
  await queue.reaches(first, "completed");
  await queue.reaches(second, "completed");
  expect(ran).toEqual(["before 1", "before 2", "after 1", "after 2"]);
  for (const id of [first, second]) {
    const record = (await queue.admin.job(id))!;
    expect(record.result).toBe(1);
    expect(record.attempts.map(({ outcome }) => outcome)).toEqual(["snoozed", "completed"]);
    const [before, after] = record.attempts;
    expect(after!.startedAt.getTime() - before!.startedAt.getTime()).toBeGreaterThanOrEqual(300);
  }
});

test("a sleep until a time that has passed is no wait; one until a far time is one sleep, also where the job is hurried", async () => {
  const { queue, work } = await workshop();
  await work([
    story1(async (job) => {
      await job.sleepUntil(new Date(0));
      await job.sleepUntil(forEver);
    }),
  ]);
  const id = await queue.add("story");
  await sleeps(queue, id);
  const { runAt } = (await queue.admin.job(id))!;
  // Counted from the moment at which the attempt ended.
  expect(runAt.getTime() - forEver.getTime()).toBeGreaterThanOrEqual(0);
  expect(runAt.getTime() - forEver.getTime()).toBeLessThan(10_000);
  await queue.admin.reschedule({ ids: [id] }, { delayMs: 0 });
  await until(async () => (await queue.admin.job(id))!.attempts.length === 2);
  await sleeps(queue, id);
  expect((await queue.admin.job(id))!).toMatchObject({ state: "scheduled", attempt: 0 });
});

test("an event that was emitted before the wait, and one that is emitted during it, are answered with the first payload", async () => {
  const { queue, work } = await workshop();
  await emit(queue, "early", { boxes: 1 });
  await emit(queue, "early", { boxes: 2 });
  await work([story1((job) => job.waitForEvent(packed(job.payload as string)))]);
  const early = await queue.add("story", "early");
  await queue.reaches(early, "completed");
  const late = await queue.add("story", "late");
  await sleeps(queue, late);
  await emit(queue, "late", { boxes: 3 });
  await queue.reaches(late, "completed");
  expect((await queue.admin.job(early))!).toMatchObject({
    result: { boxes: 1 },
    attempt: 1,
    attempts: { length: 1 },
  });
  expect((await queue.admin.job(late))!).toMatchObject({
    result: { boxes: 3 },
    attempt: 1,
    attempts: { length: 2 },
  });
  expect(await queue.query("select from pillion.wait")).toEqual([]);
});

test.each(["read committed", "repeatable read"])(
  "no emit is lost that commits while jobs begin to wait for it, in whatever order, at %s",
  async (isolation) => {
    const { queue, work } = await workshop();
    await work([story1((job) => job.waitForEvent(packed(job.payload as string)))], { concurrency: 20 });
    const ids: string[] = [];
    for (let round = 0; round < 500; round += 4) {
      await Promise.all(
        Array.from({ length: 4 }, async (_, index) => {
          const key = `${round + index}`;
          const client = await queue.pool.connect();
          try {
            await client.query(`begin isolation level ${isolation}`);
            // Its snapshot is older than the wait.
            await client.query("select 1 from pg_class limit 1");
            ids.push(await queue.add("story", key));
            await client.query(
              `select ${queue.schema}.emit('shipment.packed', $1, '{"boxes": 1}', 86400000)`,
              [key],
            );
            await client.query("commit");
          } finally {
            client.release();
          }
        }),
      );
    }
    for (const id of ids) await queue.reaches(id, "completed");
    expect(ids).toHaveLength(500);
  },
);

test("an emitter that stays open blocks nobody, and one that rolls back has emitted nothing", async () => {
  const { queue, work } = await workshop();
  await work([story1((job) => job.waitForEvent(packed("held"), { timeoutMs: 60_000 }))], { concurrency: 1 });
  const client = await queue.pool.connect();
  await client.query("begin");
  await client.query(`select ${queue.schema}.emit('shipment.packed', 'held', '{"boxes": 1}', 86400000)`);
  const ids = [await queue.add("story"), await queue.add("story")];
  for (const id of ids) await sleeps(queue, id);
  await client.query("rollback");
  await emit(queue, "held", { boxes: 2 });
  for (const id of ids) await queue.reaches(id, "completed");
  expect((await queue.admin.job(ids[0]!))!.result).toEqual({ boxes: 2 });
  client.release();
});

test("a wait that is over before its event is a typed error; caught, it stays so in every later attempt", async () => {
  const { queue, work } = await workshop();
  await work([
    story1(async (job) => {
      const said = await job.waitForEvent(packed("never"), { timeoutMs: 50 }).catch((error) => error.code);
      await job.step("remind", () => {});
      if (job.attempt === 1) {
        await emit(queue, "never", { boxes: 1 });
        throw again();
      }
      return said;
    }),
  ]);
  const id = await queue.add("story");
  await queue.reaches(id, "completed");
  expect((await queue.admin.job(id))!.result).toBe("STEP_FAILED");
  const [wait] = await queue.query("select error from pillion.checkpoint where job = $1 and ordinal = 1", [
    id,
  ]);
  expect(wait!.error).toMatchObject({
    name: "EventTimeoutError",
    message: expect.stringContaining("within the 50 ms"),
  });
});

test("steps and waits that are started together: the job sleeps once the steps have ended", async () => {
  const { queue, work } = await workshop();
  const ran: string[] = [];
  await work([
    story1(async (job) => {
      const [event, step] = await Promise.all([
        job.waitForEvent(packed("a")),
        job.step("beside", async () => {
          await emit(queue, "a", { boxes: 7 });
          ran.push("beside");
          return "done";
        }),
        job.sleep(20),
      ]);
      return [event, step];
    }),
  ]);
  const id = await queue.add("story");
  await queue.reaches(id, "completed");
  expect(ran).toEqual(["beside"]);
  expect((await queue.admin.job(id))!.result).toEqual([{ boxes: 7 }, "done"]);
});

test("a job runs children, one or hundreds, once, and gets their results in their order", async () => {
  const { queue, work } = await workshop();
  const ran = new Map<number, number>();
  await work([
    story1(async (job) => {
      const one = await job.run(leaf(1000));
      const many = await job.run(Array.from({ length: 300 }, (_, index) => leaf(index)));
      const none = await job.run([]);
      if (job.attempt === 1) throw again();
      return [one, many, none];
    }),
    handle(leaf, ({ payload }) => {
      ran.set(payload, (ran.get(payload) ?? 0) + 1);
      return payload * 2;
    }),
  ]);
  const id = await queue.add("story");
  await queue.reaches(id, "completed");
  expect((await queue.admin.job(id))!.result).toEqual([
    2000,
    Array.from({ length: 300 }, (_, index) => index * 2),
    [],
  ]);
  expect([...ran.values()].every((times) => times === 1)).toBe(true);
  expect(ran.size).toBe(301);
  expect(await queue.query("select count(*)::int as n from pillion.archive where parent = $1", [id])).toEqual(
    [{ n: 301 }],
  );
  for (const left of ["wait", "woken", "event"])
    expect(await queue.query(`select from pillion.${left}`)).toEqual([]);
});

test("a child that fails is a typed error in its parent; brought back, it is looked at again by the parent's next attempt", async () => {
  const { queue, work } = await workshop();
  let broken = true;
  const errors: ChildFailedError[] = [];
  await work([
    story1(async (job) => {
      try {
        return await job.run([leaf(1), leaf(2), leaf(3)]);
      } catch (error) {
        errors.push(error as ChildFailedError);
        throw new DiscardError("a child failed");
      }
    }),
    handle(leaf, ({ payload }) => {
      if (broken && payload === 2) throw new RangeError("no two");
      return payload;
    }),
  ]);
  const id = await queue.add("story");
  await queue.reaches(id, "dead");
  expect(errors[0]).toBeInstanceOf(ChildFailedError);
  expect(PillionError.is(errors[0])).toBe(true);
  expect(errors[0]!.failures).toEqual([
    {
      id: expect.any(String),
      name: "leaf",
      parent: Number(id),
      state: "dead",
      result: null,
      error: expect.objectContaining({ name: "RangeError", message: "no two" }),
    },
  ]);
  broken = false;
  await queue.admin.retry({ ids: [id] });
  await queue.admin.retry({ ids: [errors[0]!.failures[0]!.id] });
  await queue.reaches(id, "completed", "dead");
  if ((await queue.admin.job(id))!.state === "dead") {
    // The parent came first, and looked at what had not begun yet.
    await queue.reaches(errors[0]!.failures[0]!.id, "completed");
    await queue.admin.retry({ ids: [id] });
    await queue.reaches(id, "completed");
  }
  expect((await queue.admin.job(id))!.result).toEqual([1, 2, 3]);
});

test("cancelling a job cancels its children, and theirs, whether they wait or run", async () => {
  const { queue, work } = await workshop();
  const aborted: unknown[] = [];
  await work([
    story1((job) =>
      job.payload === "root"
        ? job.run([story("branch"), leaf(0, { delayMs: 1_000_000 })])
        : job.run([leaf(1), leaf(2, { delayMs: 1_000_000 })]),
    ),
    handle(leaf, async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      aborted.push(signal.reason.code);
      throw signal.reason;
    }),
  ]);
  const id = await queue.add("story", "root");
  await until(
    async () =>
      (await queue.query("select from pillion.live where name = 'leaf' and state = 'running'")).length === 1,
  );
  await queue.admin.cancel({ ids: [id] });
  await until(async () => (await queue.query("select from pillion.live")).length === 0);
  expect(await queue.query("select distinct state from pillion.archive")).toEqual([{ state: "cancelled" }]);
  expect(await queue.query("select count(*)::int as n from pillion.archive")).toEqual([{ n: 5 }]);
  expect(aborted).toEqual(["JOB_CANCELLED"]);
  expect(await queue.query("select from pillion.cascade")).toEqual([]);
});

test("a cancel that comes while a job falls asleep ends it, and does not wait for it to wake up", async () => {
  const { queue, work } = await workshop();
  await work([
    story1(async (job) => {
      await job.step("cancelled", () =>
        queue.query("select pillion.cancel($1)", [JSON.stringify({ ids: [job.id] })]).then(() => {}),
      );
      await job.sleep(1_000_000);
    }),
  ]);
  const id = await queue.add("story");
  await queue.reaches(id, "cancelled");
});

test("a child with a unique key, and an event with an empty or too long key, are refused", async () => {
  const { queue, work } = await workshop();
  expect(() => packed("")).toThrow(
    expect.objectContaining({
      code: "INVALID_REQUEST",
      message: expect.stringContaining('Event "shipment.packed": its key is empty'),
    }),
  );
  expect(() => packed("x".repeat(513))).toThrow("513 bytes; at most 512");
  expect(() => defineEvent({ name: "", payload: type<null>() })).toThrow("The name of an event is empty");
  await work([story1((job) => job.run(leaf(1, { uniqueKey: "one" })))]);
  const id = await queue.add("story");
  await queue.reaches(id, "dead");
  expect((await queue.admin.job(id))!.error).toMatchObject({
    code: "INVALID_STEP",
    message: expect.stringContaining("uniqueKey"),
  });
});
