import { defineEvent, defineJob, RetryError, type } from "@pillion/core";
import { type AttemptRecord, createAdmin, type JobRecord } from "@pillion/core/admin";
import { type DurableJob, handle } from "@pillion/core/worker";
import { expect, test } from "vitest";
import { postgresEngine } from "../../src/postgres/engine.ts";
import { withSavepoints } from "../testing/with-savepoints.ts";
import { urlWith } from "../url-with.ts";
import { type TestQueue, until } from "../worker/queue.ts";
import { workshop } from "../worker/workers.ts";

const story = defineJob({
  name: "story",
  payload: type<string>(),
  result: type<unknown>(),
  maxAttempts: 2,
  backoff: { type: "fixed", delayMs: 0 },
});
const leaf = defineJob({ name: "leaf", payload: type<number>(), result: type<number>(), maxAttempts: 1 });
const packed = defineEvent({ name: "shipment.packed", payload: type<{ boxes: number }>() });

/** Waits until the job waits in a step, and no attempt of it runs. */
async function asleep(queue: TestQueue, id: string): Promise<JobRecord> {
  let record: JobRecord | undefined;
  await until(async () => {
    record = await queue.admin.job(id);
    return record!.state === "scheduled" && record!.steps.some(({ state }) => state === "waiting");
  });
  return record!;
}

const brief = ({ steps }: JobRecord) => steps.map(({ name, kind, state }) => [name, kind, state]);

test("a job's record says what each step came to and what the job waits for, while it sleeps and once it has ended", async () => {
  const { queue, work } = await workshop();
  const { handle: handleTx } = withSavepoints("pg", queue.schema);
  await work([
    handleTx(queue.pool, story, async (job) => {
      await job.stepTx("reserve", () => ({ seats: 2 }));
      for (let round = 0; round < 2; round++)
        await job.step("charge", async () => void (await queue.query("select pg_sleep(0.1)")));
      await job
        .step("mail", () => {
          throw new RangeError("no mailbox");
        })
        .catch(() => {});
      const { boxes } = await job.waitForEvent(packed(job.payload), { timeoutMs: 86_400_000 });
      const doubled = await job.run([leaf(boxes), leaf(4)]);
      await job.sleep(0);
      return doubled;
    }),
    handle(leaf, ({ payload }) => payload * 2),
  ]);
  const id = await queue.add("story", "a");
  const sleeping = await asleep(queue, id);
  expect(brief(sleeping)).toEqual([
    ["reserve", "stepTx", "completed"],
    ["charge", "step", "completed"],
    ["charge#2", "step", "completed"],
    ["mail", "step", "failed"],
    ["shipment.packed", "event", "waiting"],
  ]);
  const [reserve, charge, , mail, event] = sleeping.steps;
  expect(reserve).toMatchObject({ position: 1, result: { seats: 2 }, error: null, until: null, event: null });
  expect(charge!.result).toBeNull();
  expect(charge!.finishedAt!.getTime() - charge!.startedAt.getTime()).toBeGreaterThanOrEqual(99);
  expect(mail!.error).toMatchObject({ name: "RangeError", message: "no mailbox" });
  expect(event).toMatchObject({
    position: 5,
    result: null,
    finishedAt: null,
    event: { name: "shipment.packed", key: "a" },
    children: [],
  });
  expect(event!.until!.getTime() - event!.startedAt.getTime()).toBe(86_400_000);
  const outcomes: AttemptRecord["outcome"][] = sleeping.attempts.map(({ outcome }) => outcome);
  expect(outcomes).toEqual(["snoozed"]);
  expect(sleeping).toMatchObject({ parent: null, children: [] });

  await queue.admin.emit(packed("a"), { boxes: 3 });
  await queue.reaches(id, "completed");
  // What is swept is what belongs to no job that is kept.
  const { sweepSteps } = postgresEngine(queue.schema);
  const sweep = sweepSteps({ limit: 1_000, after: "0" });
  await queue.pool.query(sweep.text, [...sweep.values]);
  const record = (await queue.admin.job(id))!;
  expect(record.result).toEqual([6, 8]);
  expect(brief(record).slice(4)).toEqual([
    ["shipment.packed", "event", "completed"],
    ["run leaf", "run", "completed"],
    ["sleep", "sleep", "completed"],
  ]);
  const [, , , , come, run, sleep] = record.steps;
  expect(come!.result).toEqual({ boxes: 3 });
  expect(run).toMatchObject({ result: [6, 8], finishedAt: expect.any(Date) });
  expect(sleep!.until!.getTime()).toBe(sleep!.startedAt.getTime());
  expect(record.children).toEqual(run!.children.map((id) => ({ id, name: "leaf", state: "completed" })));
  expect(record.attempts.at(-1)).toMatchObject({ attempt: 1, outcome: "completed" });
  const child = (await queue.admin.job(run!.children[0]!))!;
  expect(child).toMatchObject({ parent: id, steps: [], children: [], result: 6 });
  expect((await queue.admin.jobs({ name: leaf })).map(({ parent }) => parent)).toEqual([id, id]);
});

test("a reader sees the steps of a job that runs, and what a dead one had waited for when it ended", async () => {
  const { queue, work } = await workshop();
  let end = () => {};
  const held = new Promise<void>((resolve) => {
    end = resolve;
  });
  await work([
    handle(story, async (job: DurableJob<string>) => {
      await job.step("first", () => "done");
      if (job.attempt === 1) throw new RetryError({ delayMs: 0 });
      await job.step("second", () => held);
      await job.run([leaf(1), leaf(2)]);
    }),
    handle(leaf, ({ payload }) => {
      if (payload === 2) throw new Error("no two");
      return payload;
    }),
  ]);
  const role = `${queue.name}_reader`;
  await queue.query(`create role ${role} login password 'only-for-these-tests'`);
  try {
    await queue.query("select pillion.allow($1, 'reader')", [role]);
    const admin = createAdmin({
      database: urlWith({}, { name: role, password: "only-for-these-tests" }, queue.url),
      schema: queue.schema,
    });
    const id = await queue.add("story");
    await until(async () => (await admin.job(id))!.attempts.length === 2);
    expect(brief((await admin.job(id))!)).toEqual([["first", "step", "completed"]]);
    end();
    await queue.reaches(id, "dead");
    const record = (await admin.job(id))!;
    expect(record.error).toMatchObject({ code: "CHILD_FAILED" });
    expect(brief(record).at(-1)).toEqual(["run leaf", "run", "waiting"]);
    expect(record.children.map(({ state }) => state)).toEqual(["completed", "dead"]);
    expect(record.steps.at(-1)!.children).toEqual(record.children.map(({ id }) => id));
    await admin.close();
  } finally {
    await queue.query(`drop owned by ${role}; drop role ${role}`);
  }
});
