import { defineJob, type } from "@pillion/core";
import { createWorker, handle, type Schedule, schedule, type Worker } from "@pillion/core/worker";
import { afterEach, beforeEach, expect, test } from "vitest";
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

const tick = defineJob({ name: "tick", payload: type<number>() });
const every = (everyMs: number, n = 1) => schedule({ name: "ticks", everyMs, job: tick(n) });

async function startWorker(...schedules: Schedule[]): Promise<Worker> {
  const worker = createWorker({
    database: queue.url,
    schema: queue.schema,
    handlers: [handle(tick, () => {})],
    schedules,
  });
  workers.push(worker);
  await worker.start();
  return worker;
}

const stored = async () => (await queue.admin.schedules.list())[0]!;
const slots = () => firedSlots(queue, "ticks");
const more = async (count: number) => {
  const before = (await slots()).length;
  await until(async () => (await slots()).length >= before + count);
};

test("a change of the cron line or the zone works the next slot out anew, from now on", async () => {
  const daily = (cron: string, timeZone: string) => schedule({ name: "daily", cron, timeZone, job: tick(1) });
  await queue.admin.schedules.set(daily("0 7 * * *", "Europe/Berlin"));
  // As if it had not been looked at for a week: what was missed by the old line is not the new one's.
  await queue.query("update pillion.schedule set passed = passed - interval '7 days'");
  const [{ now }] = (await queue.query("select now() as now")) as unknown as [{ now: Date }];
  for (const [cron, zone] of [
    ["0 7 * * *", "America/New_York"],
    ["0 8 * * *", "America/New_York"],
  ] as const) {
    await queue.admin.schedules.set(daily(cron, zone));
    const { nextSlot } = await stored();
    expect(nextSlot!.getTime()).toBeGreaterThan(now.getTime());
    const shown = nextSlot!.toLocaleTimeString("en", { timeZone: zone, hourCycle: "h23" });
    expect(shown).toBe(`0${cron[2]}:00:00`);
  }
});

test("a change of anything else moves no slot, and the next job has it", async () => {
  await queue.admin.schedules.set(schedule({ name: "ticks", cron: "0 7 * * *", job: tick(1) }));
  await queue.query("update pillion.schedule set passed = passed - interval '7 days'");
  const before = await stored();
  await queue.admin.schedules.set(
    schedule({ name: "ticks", cron: "0 7 * * *", missed: "skip", job: tick(2, { priority: 3 }) }),
  );
  expect(await stored()).toMatchObject({
    nextSlot: before.nextSlot,
    createdAt: before.createdAt,
    missed: "skip",
    job: { payload: 2, priority: 3 },
  });
});

test("while old and new workers run side by side the one that started last decides, and no slot has two jobs", async () => {
  const old = await startWorker(every(100, 1));
  await more(5);
  const fresh = await startWorker(every(200, 2));
  await more(3);
  expect(await stored()).toMatchObject({ everyMs: 200, job: { payload: 2 } });
  // An old one is started again, and puts it back until the next new one starts.
  const again = await startWorker(every(100, 1));
  await more(5);
  expect(await stored()).toMatchObject({ everyMs: 100, job: { payload: 1 } });
  await Promise.all([old.stop(), again.stop(), startWorker(every(200, 2))]);
  await fresh.stop();
  await more(3);
  expect(await stored()).toMatchObject({ everyMs: 200, job: { payload: 2 } });
  const all = await slots();
  expect(new Set(all).size).toBe(all.length);
  expectEachOnce(all.slice(-2), 200);
});

test("a worker that starts with what is stored already changes nothing, not even a pause", async () => {
  await startWorker(every(100));
  await more(3);
  await queue.admin.schedules.pause("ticks");
  const before = await queue.query("select * from pillion.schedule");
  await startWorker(every(100));
  expect(await queue.query("select * from pillion.schedule")).toEqual(before);
});

test("a schedule that is no longer in the code goes on until it is removed", async () => {
  const old = await startWorker(every(100));
  await more(3);
  await old.stop();
  await startWorker();
  await more(3);
  expect(await queue.admin.schedules.remove("ticks")).toBe(true);
  expect(await queue.admin.schedules.list()).toEqual([]);
});

test("two hundred schedules that are due together each get every job", async () => {
  const many = Array.from({ length: 200 }, (_, n) =>
    schedule({ name: `many ${n}`, everyMs: 1_000, job: tick(n) }),
  );
  await Promise.all([startWorker(...many), startWorker(...many)]);
  const counts = () =>
    queue.query(
      `select headers ->> $1 as name, count(*)::int, count(distinct headers ->> $2)::int as slots
       from (select headers from pillion.live union all select headers from pillion.archive) jobs group by 1`,
      ["pillion.schedule", "pillion.slot"],
    );
  await until(async () => (await counts()).filter(({ count }) => count! >= 3).length === 200);
  expect((await counts()).filter(({ count, slots }) => count !== slots)).toEqual([]);
});
