import { defineJob, type } from "@pillion/core";
import { schedule } from "@pillion/core/admin";
import { createWorker, handle, type Worker } from "@pillion/core/worker";
import pg from "pg";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { type TestQueue, testQueue, until } from "../worker/queue.ts";
import { expectEachOnce, firedSlots } from "./slots.ts";

let queue: TestQueue;
let workers: Worker[] = [];
beforeEach(async () => {
  queue = await testQueue();
});
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  workers = [];
  await queue.drop();
});

const tick = defineJob({ name: "tick", payload: type<{ n: number }>(), priority: 2, maxAttempts: 3 });
const seen: { payload: unknown; headers: unknown; runAt: Date }[] = [];

/** A worker that knows of no schedule. */
async function startWorker(): Promise<void> {
  seen.length = 0;
  const worker = createWorker({
    database: queue.url,
    schema: queue.schema,
    handlers: [handle(tick, ({ payload, headers, runAt }) => void seen.push({ payload, headers, runAt }))],
  });
  workers.push(worker);
  await worker.start();
}

const fired = async (name: string) => (await firedSlots(queue, name)).length;
const ticks = (n: number, name = "ticks") => schedule({ name, everyMs: 100, job: tick({ n }) });

test("workers that run already fire a schedule that is set at run time, and its jobs tell schedule and slot", async () => {
  await startWorker();
  await startWorker();
  const { schedules } = queue.admin;
  await schedules.set(
    schedule({
      name: "ticks",
      everyMs: 100,
      job: tick({ n: 7 }, { headers: { tenant: "a" }, queue: "default" }),
    }),
  );
  await until(async () => (await fired("ticks")) >= 5);
  expectEachOnce(await firedSlots(queue, "ticks"), 100);
  await until(() => seen.length > 0);
  const { payload, headers, runAt } = seen[0]!;
  expect(payload).toEqual({ n: 7 });
  expect(headers).toEqual({
    tenant: "a",
    "pillion.schedule": "ticks",
    "pillion.slot": runAt.toISOString(),
  });
  expect(await schedules.list()).toMatchObject([
    {
      name: "ticks",
      cron: null,
      timeZone: null,
      everyMs: 100,
      missed: "runOnce",
      source: "runTime",
      job: { name: "tick", version: 1, queue: "default", priority: 2, maxAttempts: 3, payload: { n: 7 } },
      lastSlot: expect.any(Date),
      pausedAt: null,
      problem: null,
    },
  ]);
});

test("a removed schedule fires nothing more, and what it has enqueued stays", async () => {
  await startWorker();
  await queue.admin.schedules.set(ticks(1));
  await queue.admin.schedules.set(ticks(2, "others"));
  await until(async () => (await fired("ticks")) >= 3);
  expect(await queue.admin.schedules.remove("ticks")).toBe(true);
  const left = await fired("ticks");
  const others = await fired("others");
  await until(async () => (await fired("others")) >= others + 5);
  expect(await fired("ticks")).toBe(left);
  expect(await queue.admin.schedules.remove("ticks")).toBe(false);
  expect((await queue.admin.schedules.list()).map(({ name }) => name)).toEqual(["others"]);
});

test("a paused schedule fires nothing until it is resumed, and makes up for nothing then", async () => {
  await startWorker();
  await queue.admin.schedules.set(ticks(1));
  await queue.admin.schedules.set(ticks(2, "others"));
  await until(async () => (await fired("ticks")) >= 3);
  expect(await queue.admin.schedules.pause("ticks")).toBe(true);
  const [paused] = (await queue.admin.schedules.list()).filter(({ name }) => name === "ticks");
  expect(paused).toMatchObject({ pausedAt: expect.any(Date), nextSlot: null });
  const before = await firedSlots(queue, "ticks");
  const others = await fired("others");
  await until(async () => (await fired("others")) >= others + 5);
  expect(await firedSlots(queue, "ticks")).toEqual(before);
  // Setting it again, as a worker's start does, leaves it paused.
  await queue.admin.schedules.set(ticks(3));
  expect(await queue.admin.schedules.resume("ticks")).toBe(true);
  await until(async () => (await fired("ticks")) >= before.length + 3);
  const after = (await firedSlots(queue, "ticks")).slice(before.length);
  expectEachOnce(after, 100);
  expect(after[0]).toBeGreaterThan(paused!.pausedAt!.getTime() + 400);
});

test("resuming a schedule that is not paused moves none of its slots", async () => {
  await queue.admin.schedules.set(ticks(1));
  const [before] = await queue.admin.schedules.list();
  expect(await queue.admin.schedules.resume("ticks")).toBe(true);
  expect((await queue.admin.schedules.list())[0]!.nextSlot).toEqual(before!.nextSlot);
});

test("run now enqueues the job at once, beside the slots, also while the schedule is paused", async () => {
  const yearly = schedule({ name: "yearly", cron: "@yearly", job: tick({ n: 1 }) });
  await queue.admin.schedules.set(yearly);
  await queue.admin.schedules.pause("yearly");
  const [before] = await queue.admin.schedules.list();
  await startWorker();
  const { id } = (await queue.admin.schedules.runNow("yearly"))!;
  await queue.reaches(id, "completed");
  expect(await queue.admin.job(id)).toMatchObject({
    name: "tick",
    priority: 2,
    headers: { "pillion.schedule": "yearly" },
  });
  expect((await queue.admin.job(id))!.headers).not.toHaveProperty(["pillion.slot"]);
  expect(await queue.admin.schedules.list()).toEqual([before]);
});

test("a name that there is not is answered, and one that cannot be is refused", async () => {
  const { schedules } = queue.admin;
  expect(await schedules.pause("none")).toBe(false);
  expect(await schedules.resume("none")).toBe(false);
  expect(await schedules.remove("none")).toBe(false);
  expect(await schedules.runNow("none")).toBeUndefined();
  await expect(schedules.pause("")).rejects.toMatchObject({ code: "INVALID_CONFIGURATION" });
  await expect(schedules.list({ limit: 0 })).rejects.toMatchObject({ code: "INVALID_CONFIGURATION" });
});

test("many schedules are listed by name, a page at a time", async () => {
  for (const name of ["c", "a", "d", "b"]) await queue.admin.schedules.set(ticks(1, name));
  const names = async (page?: { after?: string; limit?: number }) =>
    (await queue.admin.schedules.list(page)).map(({ name }) => name);
  expect(await names()).toEqual(["a", "b", "c", "d"]);
  expect(await names({ limit: 2 })).toEqual(["a", "b"]);
  expect(await names({ after: "b", limit: 2 })).toEqual(["c", "d"]);
});

test("a worker and set wait for no transaction that has a schedule's row locked: the worker starts, and sets it later", async () => {
  await queue.admin.schedules.set(ticks(1));
  const tx = new pg.Client({ connectionString: queue.url });
  tx.on("error", () => {});
  await tx.connect();
  onTestFinished(() => tx.end());
  await tx.query(`begin; select from "${queue.schema}".schedule for update`);
  const worker = createWorker({
    database: queue.url,
    schema: queue.schema,
    handlers: [handle(tick, () => {})],
    schedules: [ticks(2), ticks(3, "free")],
  });
  workers.push(worker);
  await worker.start();
  await until(async () => (await fired("free")) >= 3);
  expect((await queue.admin.schedules.list()).map(({ job }) => job.payload)).toEqual([{ n: 3 }, { n: 1 }]);
  expect(await fired("ticks")).toBe(0);
  await tx.query("commit");
  await tx.end();
  await until(async () => (await fired("ticks")) >= 3);
  await until(async () => (await queue.admin.schedules.list())[1]!.source === "code");
  expect((await queue.admin.schedules.list()).map(({ job }) => job.payload)).toEqual([{ n: 3 }, { n: 2 }]);
});
