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
