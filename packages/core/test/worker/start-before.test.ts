import { defineJob, type } from "@pillion/core";
import { createWorker, type Handler, handle } from "@pillion/core/worker";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type TestQueue, testQueue } from "./queue.ts";

let queue: TestQueue;
beforeEach(async () => {
  queue = await testQueue();
});
afterEach(() => queue.drop());

async function run(...handlers: Handler[]): Promise<void> {
  const { pool, schema } = queue;
  await createWorker({ database: pool, schema, handlers, logger: false }).runOnce();
}

const inMs = (ms: number) => new Date(Date.now() + ms);

test("a job that was not started by its startBefore is cancelled, and its handler never called", async () => {
  const late = defineJob({ name: "late", payload: type<null>() });
  const id = await queue.add("late", null, { startBefore: inMs(-3_600_000) });
  const inTime = await queue.add("late", null, { startBefore: inMs(3_600_000) });
  const ran: string[] = [];
  await run(handle(late, (job) => void ran.push(job.id)));
  await queue.reaches(inTime, "completed");
  await queue.reaches(id, "cancelled");
  expect(ran).toEqual([inTime]);
  for (const one of [id, inTime]) expect((await queue.admin.job(one))!.startBefore).toBeInstanceOf(Date);
});

test("a job that was started in time and failed is tried again, however late it is then", async () => {
  const flaky = defineJob({ name: "flaky", payload: type<null>(), backoff: { type: "fixed", delayMs: 0 } });
  const id = await queue.add("flaky", null, { startBefore: inMs(3_600_000) });
  const handler = handle(flaky, async ({ attempt }) => {
    if (attempt > 1) return;
    await queue.query("update pillion.job set start_before = now() - interval '1 hour' where id = $1", [id]);
    throw new Error("not yet");
  });
  while ((await queue.admin.job(id))!.finishedAt === null) await run(handler);
  expect(await queue.admin.job(id)).toMatchObject({ state: "completed", attempt: 2 });
});

test("a job claimed in time, whose startBefore passes while it waits for a slot, is cancelled and never called", async () => {
  const warmUp = defineJob({ name: "warm-up", payload: type<null>() });
  const busy = defineJob({ name: "busy", payload: type<{ until: number }>() });
  const late = defineJob({ name: "late", payload: type<null>() });
  // Handlers that were quick so far: the next jobs are claimed ahead.
  for (let index = 0; index < 50; index++) await queue.add("warm-up");
  const startBefore = inMs(2_000);
  const until = startBefore.getTime() + 100;
  const kept = await queue.add("busy", { until }, { priority: -1 });
  const id = await queue.add("late", null, { priority: -2, startBefore });
  const ran: string[] = [];
  const handlers = [
    handle(warmUp, () => {}),
    // The event loop is kept, so that the waiting job cannot be handed back.
    handle(busy, ({ payload }) => {
      while (Date.now() < payload.until);
    }),
    handle(late, (job) => void ran.push(job.id)),
  ];
  const { pool, schema } = queue;
  await createWorker({ database: pool, schema, handlers, concurrency: 1, logger: false }).runOnce();
  await queue.reaches(kept, "completed");
  await queue.reaches(id, "cancelled");
  expect(ran).toEqual([]);
  const { attempts, startBefore: bound } = (await queue.admin.job(id))!;
  // It was claimed in time: the claim alone did not rule it out.
  expect(attempts[0]!.startedAt.getTime()).toBeLessThan(bound!.getTime());
});
