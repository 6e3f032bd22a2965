import { DiscardError, defineJob, type } from "@pillion/core";
import { schedule } from "@pillion/core/admin";
import { createWorker, handle } from "@pillion/core/worker";
import { expect, onTestFinished, test } from "vitest";
import { testBoard } from "./board.ts";

const story = defineJob({ name: "story", payload: type<unknown>() });

test("jobs are cancelled, rescheduled, retried and purged; a dry run says how many, and changes nothing", async () => {
  const board = await testBoard();
  const ids: string[] = [];
  for (let job = 0; job < 4; job++) ids.push(await board.add("story", job, { delayMs: 86_400_000 }));
  const states = async () =>
    (await board.get(`api/jobs?ids=${ids.join()}`)).body.jobs.map((job: { state: string }) => job.state);
  const filter = { queue: "default", state: ["scheduled"] };
  for (const name of ["cancel", "reschedule"])
    expect(
      (await board.act(name, { filter, dryRun: true, ...(name === "reschedule" && { delayMs: 0 }) })).body,
    ).toEqual({
      count: 4,
      dryRun: true,
      more: false,
    });
  expect(await states()).toEqual(Array(4).fill("scheduled"));
  expect((await board.act("reschedule", { ids: [ids[0]], delayMs: 0 })).body).toEqual({
    count: 1,
    dryRun: false,
    more: false,
  });
  await board.act("reschedule", { ids: [ids[1]], runAt: "2199-01-01T00:00:00.000Z" });
  expect((await board.get(`api/jobs/${ids[1]}`)).body.job.runAt).toBe("2199-01-01T00:00:00.000Z");
  expect((await board.act("cancel", { ids: [ids[2]] })).body.count).toBe(1);
  // What has ended cannot be cancelled again: fewer than were named.
  expect((await board.act("cancel", { ids: [ids[2], ids[3]] })).body.count).toBe(1);
  expect(await states()).toEqual(["cancelled", "cancelled", "scheduled", "ready"]);
  expect((await board.act("retry", { ids: [ids[3]] })).body.count).toBe(1);
  expect((await board.act("purge", { queue: "default", dryRun: true })).body.count).toBe(3);
  expect((await board.act("purge", { queue: "default" })).body.count).toBe(3);
  expect(await states()).toEqual(Array(4).fill("cancelled"));
});

test("from the dead jobs to their cause, mended, redriven and completed", async () => {
  const board = await testBoard();
  let mended = false;
  const worker = createWorker({
    database: board.url,
    schema: board.schema,
    logger: false,
    pollMs: 50,
    handlers: [
      handle(story, ({ payload }) => {
        if (!mended) throw new DiscardError(payload === 0 ? "another" : `mailbox ${payload} is full`);
      }),
    ],
  });
  onTestFinished(() => worker.stop({ graceMs: 0 }));
  await worker.start();
  const ids: string[] = [];
  for (let job = 0; job < 3; job++) ids.push(await board.add("story", job));
  for (const id of ids) await board.reaches(id, "dead");
  const [group] = (await board.get("api/dead")).body.groups;
  expect(group).toMatchObject({ count: 2, error: { message: "mailbox 2 is full" } });
  mended = true;
  const redriven = { count: 2, more: false, ids: [ids[2], ids[1]] };
  expect((await board.act("redrive", { group: group.key, dryRun: true })).body).toEqual({
    ...redriven,
    dryRun: true,
  });
  expect((await board.act("redrive", { group: group.key })).body).toEqual({ ...redriven, dryRun: false });
  for (const id of ids.slice(1)) await board.reaches(id, "completed");
  // What was shared of what was asked before is forgotten by a change.
  expect((await board.get("api/dead")).body.groups).toMatchObject([
    { count: 1, error: { message: "another" } },
  ]);
  expect((await board.act("redrive", {})).body.count).toBe(1);
  await board.reaches(ids[0]!, "completed");
});

test("queues are paused, resumed and limited, and schedules paused, resumed and run", async () => {
  const board = await testBoard();
  const queue = async () => (await board.get("api/queues")).body.queues[0];
  expect((await board.act("pause-queue", { queue: "mail" })).body).toEqual({ changed: true });
  expect((await board.act("pause-queue", { queue: "mail" })).body).toEqual({ changed: false });
  expect((await queue()).pausedAt).toEqual(expect.any(String));
  expect((await board.act("resume-queue", { queue: "mail" })).body).toEqual({ changed: true });
  const settings = { concurrency: 3, rate: { limit: 5, perMs: 1_000 } };
  expect((await board.act("set-queue", { queue: "mail", settings })).body).toEqual({ changed: true });
  expect((await queue()).settings).toMatchObject(settings);
  await board.act("set-queue", { queue: "mail", settings: { rate: null } });
  expect((await queue()).settings).toMatchObject({ concurrency: 3, rate: null });
  const name = "every/day #1";
  await board.admin.schedules.set(schedule({ name, cron: "0 3 * * *", timeZone: "UTC", job: story(null) }));
  const paused = async () => (await board.get("api/schedules")).body.schedules[0].pausedAt !== null;
  expect((await board.act("pause-schedule", { name })).body).toEqual({ changed: true });
  expect(await paused()).toBe(true);
  expect((await board.act("resume-schedule", { name })).body).toEqual({ changed: true });
  expect(await paused()).toBe(false);
  const { id } = (await board.act("run-schedule", { name })).body;
  expect((await board.get(`api/jobs/${id}`)).body.job).toMatchObject({ name: "story", state: "ready" });
});
