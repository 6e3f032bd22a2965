import { randomUUID } from "node:crypto";
import { defineJob, defineTopic, type } from "@pillion/core";
import { type Admin, createAdmin, type JobRecord } from "@pillion/core/admin";
import { createWorker, handle } from "@pillion/core/worker";
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from "vitest";
import { type OwnQueue, ownQueue } from "../own-queue.ts";
import { committed } from "./committed.ts";

let queue: OwnQueue;
let admin: Admin;
beforeAll(async () => {
  queue = await ownQueue("verbs_worker");
  admin = createAdmin({ database: queue.pool, schema: queue.schema });
});
afterAll(() => queue.drop());

/** A worker that listens, and looks by itself hardly ever. */
async function started(handlers: Parameters<typeof createWorker>[0]["handlers"]) {
  const worker = createWorker({
    database: inject("databaseUrl"),
    schema: queue.schema,
    pollMs: 30_000,
    logger: false,
    handlers,
  });
  await worker.start();
  onTestFinished(() => worker.stop({ graceMs: 0 }));
}

async function reaches(id: string, state: string): Promise<JobRecord> {
  for (;;) {
    const job = (await admin.job(id))!;
    if (job.state === state) return job;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test("a cancelled job that runs elsewhere is told so, and ends as cancelled", async () => {
  const job = defineJob({ name: `job.${randomUUID()}`, payload: type<null>(), queue: randomUUID() });
  let reason: unknown;
  await started([
    handle(job, ({ signal }) => {
      return new Promise<void>((_, reject) => {
        signal.addEventListener("abort", () => {
          reason = signal.reason;
          reject(signal.reason);
        });
      });
    }),
  ]);
  const { id } = await committed(queue, (tx) => queue.verbs.enqueue(tx, job(null)));
  await reaches(id, "running");
  await committed(queue, (tx) => queue.verbs.cancel(tx, id));
  const ended = await reaches(id, "cancelled");
  expect(reason).toMatchObject({ code: "JOB_CANCELLED", jobName: job.name });
  expect(ended.attempts.map(({ outcome }) => outcome)).toEqual(["cancelled"]);
});

test("a paused queue starts nothing, and a resumed one starts what waits", async () => {
  const [paused, other] = [randomUUID(), randomUUID()].map((name) =>
    defineJob({ name, queue: name, payload: type<null>() }),
  ) as [ReturnType<typeof defineJob>, ReturnType<typeof defineJob>];
  await started([handle(paused, () => {}), handle(other, () => {})]);
  await committed(queue, (tx) => queue.verbs.pause(tx, paused.queue));
  const waiting = await committed(queue, (tx) => queue.verbs.enqueue(tx, paused(null as never)));
  for (let round = 0; round < 3; round++) {
    const { id } = await committed(queue, (tx) => queue.verbs.enqueue(tx, other(null as never)));
    await reaches(id, "completed");
  }
  expect((await admin.job(waiting.id))!.state).toBe("ready");
  await committed(queue, (tx) => queue.verbs.resume(tx, paused.queue));
  await reaches(waiting.id, "completed");
});

test("what is retried, rescheduled or published starts with the COMMIT, on a worker that sleeps", async () => {
  const job = defineJob({ name: `job.${randomUUID()}`, payload: type<null>(), queue: randomUUID() });
  const { verbs } = queue;
  await started([handle(job, () => {})]);
  const [cancelled, later] = await committed(queue, (tx) =>
    verbs.enqueueMany(tx, [job(null, { delayMs: 1e9 }), job(null, { delayMs: 1e9 })]),
  );
  await committed(queue, (tx) => verbs.cancel(tx, cancelled!.id));
  await committed(queue, (tx) => verbs.retry(tx, cancelled!.id));
  await reaches(cancelled!.id, "completed");
  await committed(queue, (tx) => verbs.reschedule(tx, later!.id, { delayMs: 0 }));
  await reaches(later!.id, "completed");
  const topic = defineTopic({ name: job.name, payload: type<null>() });
  await admin.subscribe(topic, job);
  const [published] = await committed(queue, (tx) => verbs.publish(tx, topic, null));
  await reaches(published!.id, "completed");
});
