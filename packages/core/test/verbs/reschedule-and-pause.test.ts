import { randomUUID } from "node:crypto";
import { defineJob, type } from "@pillion/core";
import type { ClientBase } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type OwnQueue, ownQueue } from "../own-queue.ts";
import { committed } from "./committed.ts";
import { listener, runningJob } from "./heard.ts";

let queue: OwnQueue;
beforeAll(async () => {
  queue = await ownQueue("moved");
});
afterAll(() => queue.drop());

const jobType = (maxAttempts: number) =>
  defineJob({ name: `job.${randomUUID()}`, payload: type<unknown>(), maxAttempts });

test("a reschedule moves what waits, to the future or to now, and touches nothing that runs", async () => {
  const job = jobType(3);
  const [ready, later] = await committed(queue, (tx) =>
    queue.verbs.enqueueMany(tx, [job(1), job(2, { delayMs: 60_000 })]),
  );
  const running = await runningJob(queue, job.name, 7);
  const { ids } = await committed(queue, (tx) =>
    queue.verbs.reschedule(tx, { name: job }, { delayMs: 3_600_000 }),
  );
  expect(ids).toEqual([ready!.id, later!.id]);
  const seen = () =>
    queue.query(
      "select id::text, state, round(extract(epoch from run_at - now()) / 60)::int as minutes from pillion.job where name = $1 order by id",
      [job.name],
    );
  expect((await seen()).slice(0, 2)).toEqual(ids.map((id) => ({ id, state: "scheduled", minutes: 60 })));
  await committed(queue, (tx) => queue.verbs.reschedule(tx, { name: job }, { runAt: new Date(0) }));
  expect((await seen()).map(({ state }) => state)).toEqual(["ready", "ready", "running"]);
  expect((await committed(queue, (tx) => queue.verbs.reschedule(tx, running, { delayMs: 0 }))).ids).toEqual(
    [],
  );
});

const wakers: readonly [
  name: string,
  prepare: string,
  act: (tx: ClientBase, id: string, name: string) => Promise<unknown>,
][] = [
  ["retry", "pillion.cancel", (tx, id) => queue.verbs.retry(tx, id)],
  ["reschedule", "", (tx, id) => queue.verbs.reschedule(tx, id, { delayMs: 0 })],
  ["resume", "pillion.pause", (tx, _, name) => queue.verbs.resume(tx, name)],
];
test.each(wakers)(
  "a %s wakes a sleeping worker of the queue at COMMIT, and not before",
  async (_, prepare, act) => {
    const name = `asleep.${randomUUID()}`;
    const [row] = await queue.query("select id::text from pillion.enqueue($1, '1', $2)", [
      name,
      JSON.stringify({ queue: name, delayMs: 60_000 }),
    ]);
    if (prepare !== "")
      await queue.query(`select ${prepare}($1)`, [
        prepare.endsWith("pause") ? name : JSON.stringify({ ids: [row!.id] }),
      ]);
    const ears = await listener(queue);
    await ears.sleepOn(name);
    const tx = await queue.begin();
    await act(tx, row!.id!, name);
    expect(await ears.all()).toEqual([]);
    await tx.query("commit");
    expect(await ears.all()).toEqual([name]);
  },
);

test("a paused queue says so from the COMMIT on, keeps its settings, and can be resumed once", async () => {
  await queue.query("insert into pillion.queue (name, concurrency) values ('kept', 3)");
  const paused = () =>
    queue.query("select concurrency, paused_at is not null as paused from pillion.queue where name = 'kept'");
  await committed(queue, async (tx) => {
    expect(await queue.verbs.pause(tx, "kept")).toEqual({ changed: true });
    expect(await queue.verbs.pause(tx, "kept")).toEqual({ changed: false });
  });
  expect(await paused()).toEqual([{ concurrency: 3, paused: true }]);
  await committed(queue, async (tx) => {
    expect(await queue.verbs.resume(tx, "kept")).toEqual({ changed: true });
    expect(await queue.verbs.resume(tx, "kept")).toEqual({ changed: false });
    expect(await queue.verbs.resume(tx, "never seen")).toEqual({ changed: false });
  });
  expect(await paused()).toEqual([{ concurrency: 3, paused: false }]);
});
