import { defineJob, type } from "@pillion/core";
import { createWorker, handle, type Schedule, schedule } from "@pillion/core/worker";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type TestQueue, testQueue } from "../worker/queue.ts";
import { firedSlots } from "./slots.ts";

const hourMs = 3_600_000;
let queue: TestQueue;
beforeEach(async () => {
  queue = await testQueue();
});
afterEach(() => queue.drop());

const report = defineJob({ name: "report", payload: type<null>() });

/** What a cron route does: stores the schedules, fires what is due, runs the jobs, and ends. */
const runOnce = (...schedules: Schedule[]) =>
  createWorker({
    database: queue.url,
    schema: queue.schema,
    handlers: [handle(report, () => {})],
    schedules,
  }).runOnce();

/** As if no worker had run for that long. */
const sleep = (interval: string) =>
  queue.query("update pillion.schedule set passed = passed - $1::interval, due_at = due_at - $1::interval", [
    interval,
  ]);

/** A cron line whose newest slot was half an hour ago: never near now, at whatever time the test runs. */
const halfAnHourAgo = async (hours: string) =>
  (
    await queue.query(
      "select to_char(now() at time zone 'UTC' - interval '30 minutes', $1) || ' * * *' as cron",
      [`MI ${hours}`],
    )
  )[0]!.cron! as string;

for (const [missed, jobs] of [
  ["skip", 0],
  ["runOnce", 1],
] as const)
  test(`after three days without a worker, ${missed} enqueues ${jobs === 0 ? "no job" : "one job"} for three missed slots, and goes on with the next`, async () => {
    const daily = schedule({ name: "daily", cron: await halfAnHourAgo("HH24"), job: report(null), missed });
    await runOnce(daily);
    expect(await firedSlots(queue, "daily")).toEqual([]);
    await sleep("3 days");
    expect(await runOnce(daily)).toMatchObject({ ran: jobs });
    expect(await runOnce(daily)).toMatchObject({ ran: 0 });
    const [record] = await queue.admin.schedules.list();
    const newest = record!.nextSlot!.getTime() - 24 * hourMs;
    expect(await firedSlots(queue, "daily")).toEqual(jobs === 0 ? [] : [newest]);
    expect(record!.lastSlot).toEqual(jobs === 0 ? null : new Date(newest));
  });

test("a worker that starts again with the same schedules makes up for what was missed, and changes nothing else", async () => {
  const hourly = schedule({ name: "hourly", cron: await halfAnHourAgo("*"), job: report(null) });
  await runOnce(hourly);
  const [before] = await queue.admin.schedules.list();
  await sleep("5 hours");
  await runOnce(hourly);
  expect(await firedSlots(queue, "hourly")).toEqual([before!.nextSlot!.getTime() - hourMs]);
  const [record] = await queue.admin.schedules.list();
  expect(record).toMatchObject({ nextSlot: before!.nextSlot, updatedAt: before!.updatedAt });
});
