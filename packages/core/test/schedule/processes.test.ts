import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { defineJob, type } from "@pillion/core";
import { createWorker, handle, schedule } from "@pillion/core/worker";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type TestQueue, testQueue, until } from "../worker/queue.ts";
import { expectEachOnce, firedSlots } from "./slots.ts";

let queue: TestQueue;
const children: ChildProcess[] = [];
beforeEach(async () => {
  queue = await testQueue();
});
afterEach(async () => {
  await Promise.all(
    children.splice(0).map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    }),
  );
  await queue.drop();
});

/** Starts a worker process whose clock is wrong by that much; resolves when it works. */
async function workerProcess(shiftMs = 0): Promise<{ child: ChildProcess; said: string }> {
  const clock = fileURLToPath(new URL("./shifted-clock.mjs", import.meta.url));
  const script = fileURLToPath(new URL("./child.ts", import.meta.url));
  const args = ["--import", clock, "--import", "tsx", script];
  const child = spawn(process.execPath, [...args, queue.url, queue.schema], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, SHIFT_MS: String(shiftMs) },
  });
  children.push(child);
  let said = "";
  child.stdout.on("data", (chunk) => {
    said += chunk;
  });
  await until(() => {
    if (child.exitCode !== null) throw new Error(`exited ${child.exitCode}`);
    return said.includes("\n");
  });
  return { child, said };
}

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
     from (select created_at, run_at from pillion.job union all select created_at, run_at from pillion.archive) jobs`,
  );
  for (const { late } of rows) {
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(60);
  }
});
