import { once } from "node:events";
import { defineJob, type } from "@pillion/core";
import { createWorker, handle, schedule } from "@pillion/core/worker";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type TestQueue, testQueue, until } from "../worker/queue.ts";
import { expectEachOnce, firedSlots } from "./slots.ts";
import { killWorkerProcesses, startWorkerProcess } from "./worker-process.ts";

let queue: TestQueue;
beforeEach(async () => {
  queue = await testQueue();
});
afterEach(async () => {
  await killWorkerProcesses();
  await queue.drop();
});

const workerProcess = (shiftMs = 0) => startWorkerProcess(queue.url, queue.schema, shiftMs);
const fired = async (name: string) => (await firedSlots(queue, name)).length;
const moreThan = async (name: string, count: number) => {
  const before = await fired(name);
  await until(async () => (await fired(name)) > before + count);
};

/** Every slot of both schedules, from the first to the last, has one job. */
async function expectNoGapAndNoDouble(): Promise<void> {
  expectEachOnce(await firedSlots(queue, "interval"), 100);
  expectEachOnce(await firedSlots(queue, "cron"), 1_000);
}

test("two workers with the same schedule fire each of its slots once", async () => {
  const tick = defineJob({ name: "tick", payload: type<{ n: number }>() });
  const workers = [1, 2].map(() =>
    createWorker({
      database: queue.url,
      schema: queue.schema,
      handlers: [handle(tick, () => {})],
      schedules: [schedule({ name: "ticks", everyMs: 100, job: tick({ n: 1 }) })],
    }),
  );
  await Promise.all(workers.map((worker) => worker.start()));
  await moreThan("ticks", 20);
  await Promise.all(workers.map((worker) => worker.stop()));
  expectEachOnce(await firedSlots(queue, "ticks"), 100);
});

test("each slot has one job while one process after the other is killed, also when none is left for a while", async () => {
  const [first, second, third] = await Promise.all([workerProcess(), workerProcess(), workerProcess()]);
  await moreThan("interval", 10);
  first.child.kill("SIGKILL");
  await moreThan("interval", 10);
  second.child.kill("SIGKILL");
  third.child.kill("SIGKILL");
  await Promise.all(
    [second, third].map(({ child }) => child.exitCode ?? child.signalCode ?? once(child, "exit")),
  );
  await workerProcess();
  await moreThan("interval", 10);
  await moreThan("cron", 1);
  await expectNoGapAndNoDouble();
});

test("a process that is stopped in the middle and wakes up later doubles nothing", async () => {
  const [first] = await Promise.all([workerProcess(), workerProcess()]);
  await moreThan("interval", 10);
  first.child.kill("SIGSTOP");
  await moreThan("interval", 10);
  first.child.kill("SIGCONT");
  await moreThan("interval", 10);
  await expectNoGapAndNoDouble();
});

test.each([
  ["an hour ahead", 3_600_000],
  ["an hour behind", -3_600_000],
])("workers whose clock is %s fire every slot by the database's clock", async (_, shiftMs) => {
  const shifted = await workerProcess(shiftMs);
  const believed = Date.parse(shifted.said.match(/\S+Z/)![0]);
  const [clock] = await queue.query("select extract(epoch from clock_timestamp())::float8 * 1000 as now");
  expect(Math.abs(believed - Number(clock!.now) - shiftMs)).toBeLessThan(60_000);
  await moreThan("interval", 10);
  // Together with one whose clock is right.
  await workerProcess();
  await moreThan("interval", 10);
  await moreThan("cron", 1);
  await expectNoGapAndNoDouble();
  const rows = await queue.query(
    `select extract(epoch from created_at - run_at)::float8 as late
     from (select created_at, run_at from pillion.live union all select created_at, run_at from pillion.archive) jobs`,
  );
  for (const { late } of rows) {
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(60);
  }
});
