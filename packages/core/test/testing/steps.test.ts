import { type ChildFailedError, defineEvent, defineJob, JobsFailedError, type } from "@pillion/core";
import { testingOf } from "@pillion/core/testing";
import { type DurableJob, handle, handleMany } from "@pillion/core/worker";
import type pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type OwnQueue, ownQueue } from "../own-queue.ts";
import { withSavepoints } from "./with-savepoints.ts";

let queue: OwnQueue;
let here: ReturnType<typeof withSavepoints>;
let testing: ReturnType<typeof testingOf<pg.ClientBase, pg.Pool>>;
let tx: pg.Client;
beforeAll(async () => {
  queue = await ownQueue("testing_steps");
  here = withSavepoints("Here", queue.schema);
  testing = testingOf(here);
});
afterAll(() => queue.drop());
beforeEach(async () => {
  tx = await queue.begin();
  await tx.query("create temporary table noted (what text) on commit drop");
});

const story = defineJob({
  name: "story",
  payload: type<string>(),
  result: type<unknown>(),
  maxAttempts: 2,
  backoff: { type: "fixed", delayMs: 60_000 },
});
const leaf = defineJob({ name: "leaf", payload: type<number>(), result: type<number>(), maxAttempts: 1 });
const packed = defineEvent({ name: "shipment.packed", payload: type<{ boxes: number }>() });
const day = 86_400_000;
const inDays = (days: number) => ({ now: new Date(Date.now() + days * day) });
const note = (client: pg.ClientBase, what: string) => client.query("insert into noted values ($1)", [what]);
const noted = async () => (await tx.query("select what from noted")).rows.map(({ what }) => what);
const states = ({ ran }: { ran: readonly { name: string; state: string }[] }) =>
  ran.map(({ name, state }) => `${name} ${state}`);

test("what a failing job has written in steps that had ended stays, and is not done again; what came after is undone", async () => {
  const ran: string[] = [];
  const handlers = [
    here.handle(queue.pool, story, async (job) => {
      const seats = await job.stepTx("reserve", async (tx) => {
        ran.push(`reserve ${job.attempt}`);
        await note(tx, "reserved");
        return { seats: 2, left: undefined };
      });
      const key = await job.step("charge", () => job.key("charge"));
      await note(tx, "between steps");
      await job.stepTx("invoice", async (tx) => {
        ran.push(`invoice ${job.attempt}`);
        await note(tx, "invoiced");
        if (job.attempt === 1) throw new Error("no printer");
      });
      return [seats, key === job.key("charge")];
    }),
  ];
  await here.enqueue(tx, story("a"));
  const error = await testing.runEnqueued(tx, handlers).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(JobsFailedError);
  expect((error as JobsFailedError).failed).toMatchObject([
    { state: "scheduled", error: { message: "no printer" } },
  ]);
  expect(await noted()).toEqual(["reserved"]);
  const again = await testing.runEnqueued(tx, handlers, inDays(1));
  expect(again.ran).toMatchObject([{ attempt: 2, state: "completed", result: [{ seats: 2 }, true] }]);
  expect(ran).toEqual(["reserve 1", "invoice 1", "invoice 2"]);
  expect(await noted()).toEqual(["reserved", "between steps", "invoiced"]);
});

test("a job that sleeps is put off, and goes on behind its sleep once `now` has come", async () => {
  const handlers = [
    handle(story, async (job) => {
      await job.step("before", () => note(tx, "before").then(() => {}));
      await job.sleep(2 * day);
      await job.sleep(2 * day);
      return note(tx, "after").then(() => "done");
    }),
  ];
  await here.enqueue(tx, story("a"));
  expect(states(await testing.runEnqueued(tx, handlers))).toEqual(["story scheduled"]);
  expect(states(await testing.runEnqueued(tx, handlers, inDays(1)))).toEqual([]);
  // The second sleep begins when the first one ends.
  expect(states(await testing.runEnqueued(tx, handlers, inDays(3)))).toEqual(["story scheduled"]);
  expect(states(await testing.runEnqueued(tx, handlers, inDays(4)))).toEqual([]);
  expect(states(await testing.runEnqueued(tx, handlers, inDays(6)))).toEqual(["story completed"]);
  expect(await noted()).toEqual(["before", "after"]);
});

test("a job that waits for an event goes on once the transaction has emitted it, and is told when it has not come in time", async () => {
  const handlers = [
    handle(story, (job) =>
      job.waitForEvent(packed(job.payload), { timeoutMs: day }).catch((error) => {
        throw job.attempt === 1 ? error : new Error(error.code);
      }),
    ),
  ];
  await here.emit(tx, packed("early"), { boxes: 1 });
  await here.enqueueMany(tx, [story("early"), story("late"), story("never", { maxAttempts: 1 })]);
  expect(states(await testing.runEnqueued(tx, handlers))).toEqual([
    "story completed",
    "story scheduled",
    "story scheduled",
  ]);
  await here.emit(tx, packed("late"), { boxes: 2 });
  expect(await testing.runEnqueued(tx, handlers)).toMatchObject({
    ran: [{ state: "completed", result: { boxes: 2 } }],
  });
  await expect(testing.runEnqueued(tx, handlers, inDays(2))).rejects.toMatchObject({
    failed: [{ state: "dead", error: { code: "EVENT_TIMEOUT" } }],
  });
});

test("children run in the same call, and their parent goes on behind them; a child that dies is its parent's error", async () => {
  const errors: ChildFailedError[] = [];
  const handlers = [
    here.handle(queue.pool, story, async (job) => {
      if (job.payload === "root") return job.run([story("branch"), leaf(4)]);
      const doubled = await job
        .run(job.payload === "branch" ? [leaf(1), leaf(2)] : [leaf(-1)])
        .catch((error) => {
          errors.push(error);
          throw error;
        });
      return job.commit(async (tx) => {
        await note(tx, job.payload);
        return doubled;
      });
    }),
    handle(leaf, ({ payload }) => {
      if (payload < 0) throw new RangeError("negative");
      return payload * 2;
    }),
  ];
  await here.enqueue(tx, story("root"));
  const { ran } = await testing.runEnqueued(tx, handlers);
  expect(ran.filter(({ state }) => state === "completed").map(({ result }) => result)).toEqual([
    8,
    2,
    4,
    [2, 4],
    [[2, 4], 8],
  ]);
  expect(ran.filter(({ state }) => state === "scheduled").map(({ name }) => name)).toEqual([
    "story",
    "story",
  ]);
  expect(await noted()).toEqual(["branch"]);

  await here.enqueue(tx, story("failing", { maxAttempts: 1 }));
  await expect(testing.runEnqueued(tx, handlers)).rejects.toMatchObject({
    failed: [
      { name: "leaf", state: "dead" },
      { name: "story", state: "dead", error: { code: "CHILD_FAILED" } },
    ],
  });
  expect(errors[0]!.failures).toMatchObject([
    { name: "leaf", state: "dead", error: { message: "negative" } },
  ]);

  const { id } = await here.enqueue(tx, story("root"));
  await testing.runEnqueued(tx, [handlers[0]!]);
  await here.cancel(tx, id);
  expect((await testing.runEnqueued(tx, handlers)).ran).toEqual([]);
});

test("a job that is cancelled while it runs does not run again once it sleeps, and neither does its child", async () => {
  const handlers = [
    here.handle(queue.pool, story, async (job) => {
      await job.stepTx("cancel", (tx) => here.cancel(tx, job.id).then(() => {}));
      await job.run(leaf(1));
    }),
    handle(leaf, ({ payload }) => payload),
  ];
  await here.enqueue(tx, story("a"));
  expect(states(await testing.runEnqueued(tx, handlers))).toEqual(["story scheduled"]);
  await testing.expectEnqueued(tx, story, undefined, { times: 0 });
  await testing.expectEnqueued(tx, leaf, undefined, { times: 0 });
});

test("steps that are started together write one after the other, and the job sleeps once they have ended", async () => {
  const handlers = [
    here.handle(queue.pool, story, async (job) => {
      const [left, , event] = await Promise.all([
        job.stepTx("left", (tx) => note(tx, "left").then(() => "left")),
        job.stepTx("right", (tx) => note(tx, "right").then(() => {})),
        job.waitForEvent(packed("together")),
        job.step("emit", () => here.emit(tx, packed("together"), { boxes: 7 })),
        job
          .stepTx("undone", async (tx) => {
            await note(tx, "undone");
            throw new Error("caught");
          })
          .catch(() => {}),
      ]);
      await job.step("last", () => {});
      return [left, event];
    }),
  ];
  await here.enqueue(tx, story("a"));
  const { ran } = await testing.runEnqueued(tx, handlers);
  expect(ran.at(-1)).toMatchObject({ state: "completed", result: ["left", { boxes: 7 }] });
  expect(await noted()).toEqual(["left", "right"]);
});

test("a step that cannot be is refused as by a worker, and the transaction stays usable", async () => {
  const there = withSavepoints("There", queue.schema);
  const [batch, foreign] = [
    defineJob({ name: "batch", payload: type<null>(), maxAttempts: 1 }),
    defineJob({ name: "foreign", payload: type<null>(), maxAttempts: 1 }),
  ];
  const handlers = [
    handle(story, (job) => job.step("outer", () => job.step("inner", () => {}))),
    handleMany(batch, { maxJobs: 2 }, ([job]) => (job as unknown as DurableJob).step("none", () => {})),
    there.handle(queue.pool, foreign, (job) => job.stepTx("elsewhere", () => {})),
  ];
  await here.enqueueMany(tx, [story("a", { maxAttempts: 1 }), batch(null), foreign(null)]);
  const error = (await testing.runEnqueued(tx, handlers).catch((error: unknown) => error)) as JobsFailedError;
  expect(error.failed.map(({ name, error }) => [name, (error as { code?: string }).code])).toEqual([
    ["story", "INVALID_STEP"],
    ["batch", "INVALID_STEP"],
    ["foreign", "INVALID_DEFINITION"],
  ]);
  expect(await noted()).toEqual([]);
});
