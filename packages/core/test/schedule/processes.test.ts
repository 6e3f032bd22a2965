import { defineJob, type } from "@pillion/core";
import { createWorker, handle, schedule } from "@pillion/core/worker";
import { afterEach, beforeEach, test } from "vitest";
import { type TestQueue, testQueue, until } from "../worker/queue.ts";
import { expectEachOnce, firedSlots } from "./slots.ts";

let queue: TestQueue;
const stops: (() => Promise<void>)[] = [];
beforeEach(async () => {
  queue = await testQueue();
});
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
  await queue.drop();
});

const tick = defineJob({ name: "tick", payload: type<{ n: number }>() });

async function startWorker() {
  const worker = createWorker({
    database: queue.url,
    schema: queue.schema,
    handlers: [handle(tick, () => {})],
    schedules: [schedule({ name: "ticks", everyMs: 100, job: tick({ n: 1 }) })],
  });
  stops.push(() => worker.stop());
  await worker.start();
  return worker;
}

test("two workers with the same schedule fire each of its slots once", async () => {
  await Promise.all([startWorker(), startWorker()]);
  await until(async () => (await firedSlots(queue, "ticks")).length >= 20);
  expectEachOnce(await firedSlots(queue, "ticks"), 100);
});
