import { DiscardError, defineJob, type } from "@pillion/core";
import { handle } from "@pillion/core/worker";
import { expect, test } from "vitest";
import { until } from "../worker/queue.ts";
import { workshop } from "../worker/workers.ts";

const fail = defineJob({ name: "fail", payload: type<string>(), maxAttempts: 1 });
const slow = defineJob({ name: "slow", payload: type<null>() });

test("dead jobs are grouped by what went wrong, whatever numbers and ids the message holds", async () => {
  const { queue, work } = await workshop();
  const { admin } = queue;
  await work([
    handle(fail, ({ payload }) => {
      throw payload.startsWith("no") ? new DiscardError(payload) : new RangeError(payload);
    }),
  ]);
  const said = [
    "order 12 is gone",
    "order 7 is gone",
    "order 0190f3b2-7c4e-7d1a-9b3c-aabbccddeeff is gone",
    "no mailbox",
    "no mailbox",
    'it\'s "odd" $1 \\ {x}',
  ];
  const ids: string[] = [];
  for (const message of said) {
    ids.push(
      await queue.add("fail", message, { queue: ids.length === 4 ? "mail" : "default", maxAttempts: 1 }),
    );
  }
  await work([handle(fail, ({ payload }) => Promise.reject(new DiscardError(payload)))], {
    queues: ["mail"],
  });
  for (const id of ids) await queue.reaches(id, "dead");
  const { groups, looked, more } = await admin.deadGroups();
  expect([looked, more]).toEqual([6, false]);
  expect(groups.map(({ queue, count, ids }) => [queue, count, ids])).toEqual([
    ["default", 3, [ids[2], ids[1], ids[0]]],
    ["default", 1, [ids[5]]],
    ["mail", 1, [ids[4]]],
    ["default", 1, [ids[3]]],
  ]);
  expect(groups[0]!.error).toMatchObject({ name: "RangeError", message: said[2], stack: expect.any(String) });
  expect(groups[0]!.firstAt <= groups[0]!.lastAt).toBe(true);
  const { key } = groups[0]!;
  expect((await admin.deadGroups({ key, ids: 2 })).groups.map(({ ids }) => ids)).toEqual([[ids[2], ids[1]]]);
  expect((await admin.deadGroups({ queue: "mail" })).groups).toHaveLength(1);
  expect((await admin.deadGroups({ name: "nothing" })).groups).toEqual([]);
  for (const wrong of [{ key: "x" }, { queue: "" }, { name: 7 as never }, { ids: -1 }, { ids: 10_001 }])
    await expect(admin.deadGroups(wrong)).rejects.toMatchObject({ code: "INVALID_REQUEST" });
  // A list may leave out what may be large or secret.
  const [without] = (await admin.lookForJobs({ ids: [ids[0]!] })).jobs;
  expect(without).toMatchObject({ payload: undefined, headers: null, result: null });
  expect(without!.error).toEqual({ name: "RangeError", message: said[0] });
  const [whole] = await admin.jobs({ ids: [ids[0]!] });
  expect({ ...whole, payload: undefined, headers: null, error: null }).toEqual({ ...without, error: null });
});

test("each worker is told with what it holds, and from when on it is silent", async () => {
  const { queue, work } = await workshop();
  const { admin } = queue;
  expect(await admin.workers()).toEqual([]);
  let finish = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const { worker } = await work([handle(slow, () => finished)], { concurrency: 2 });
  const ids = [await queue.add("slow"), await queue.add("slow")];
  await until(
    async () =>
      (await admin.workers())[0]?.jobs.every(({ startedAt }) => startedAt) === true &&
      (await admin.workers())[0]!.running === 2,
  );
  const [record] = await admin.workers();
  expect(record).toMatchObject({
    state: "running",
    queues: ["default"],
    names: ["slow"],
    concurrency: 2,
    stoppedAt: null,
  });
  expect(record!.jobs.map(({ id, attempt }) => [id, attempt])).toEqual(ids.map((id) => [id, 1]));
  expect(record!.startedAt).toBeInstanceOf(Date);
  finish();
  for (const id of ids) await queue.reaches(id, "completed");
  await worker.stop();
  const rows = await queue.query(
    `insert into pillion.worker (label, queues, names, concurrency, lease_ms, started_at, heartbeat_at)
     values ('gone', '{mail}', '{}', 1, 1000, now() - interval '1 hour', now() - interval '1 minute') returning id::text`,
  );
  const silent = (await admin.workers()).find(({ id }) => id === rows[0]!.id);
  expect(silent).toMatchObject({ label: "gone", state: "silent", running: 0, jobs: [] });
  expect(silent!.silentMs).toBeGreaterThanOrEqual(60_000);
});
