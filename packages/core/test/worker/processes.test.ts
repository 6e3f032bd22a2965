import { defaults, defineJob, type } from "@pillion/core";
import { createWorker, handle } from "@pillion/core/worker";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type TestQueue, testQueue } from "./queue.ts";
import { workerProcess as startWorkerProcess } from "./worker-process.ts";

let queue: TestQueue;
const stops: (() => Promise<void>)[] = [];
beforeEach(async () => {
  queue = await testQueue();
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await queue.drop();
});

const workerProcess = (options?: Parameters<typeof startWorkerProcess>[1]) =>
  startWorkerProcess(queue, options);

async function workHere(name: string, ran: string[], pollMs = 50) {
  const worker = createWorker({
    database: queue.url,
    schema: queue.schema,
    pollMs,
    logger: false,
    handlers: [handle(defineJob({ name, payload: type<null>() }), ({ id }) => void ran.push(id))],
  });
  stops.push(() => worker.stop({ graceMs: 0 }));
  await worker.start();
}

test("jobs of a worker that is killed start elsewhere within its lease and a poll, by the times that the database recorded", async () => {
  const [leaseMs, pollMs] = [2_000, 1_000];
  expect(defaults.leaseMs).toBeLessThanOrEqual(30_000);
  const ids = [
    await queue.add("slow"),
    await queue.add("slow"),
    await queue.add("slow", null, { uniqueKey: "k" }),
  ];
  const other = await workerProcess({ leaseMs });
  for (const id of ids) await other.says(`started ${id}`);
  const ran: string[] = [];
  await workHere("slow", ran, pollMs);
  const [killed] = await queue.query("select clock_timestamp() as at");
  other.child.kill("SIGKILL");
  for (const id of ids) await queue.reaches(id, "completed");
  const [{ silent, least }] = (await queue.query(
    `select extract(epoch from max(started_at) - $1)::float8 as silent,
       extract(epoch from min(started_at) - (select heartbeat_at from pillion.worker order by id limit 1))::float8 as least
     from pillion.attempts where outcome = 'completed'`,
    [killed!.at],
  )) as unknown as [{ silent: number; least: number }];
  expect(least).toBeGreaterThanOrEqual(leaseMs / 1_000);
  // A second more, for a machine that is busy.
  expect(silent).toBeLessThan((leaseMs + pollMs + 1_000) / 1_000);
});

test("a slow job starts elsewhere in less than two seconds after SIGTERM, with no attempt used, by the times that the database recorded", async () => {
  const id = await queue.add("slow");
  const other = await workerProcess();
  await other.says(`started ${id}`);
  const ran: string[] = [];
  // At its default pace.
  await workHere("slow", ran, defaults.pollMs);
  const [told] = await queue.query("select clock_timestamp() as at");
  other.child.kill("SIGTERM");
  await queue.reaches(id, "completed");
  const [first, second] = (await queue.admin.job(id))!.attempts;
  expect(first).toMatchObject({ attempt: 1, outcome: "released" });
  expect(second).toMatchObject({ attempt: 1, outcome: "completed" });
  expect(second!.startedAt.getTime() - (told!.at as unknown as Date).getTime()).toBeLessThan(2_000);
  expect(await other.exited).toEqual([0, null]);
});

test("jobs of a worker that is killed run elsewhere once its lease is over, and the lost attempt is on record", async () => {
  const id = await queue.add("slow");
  const other = await workerProcess({ leaseMs: 600 });
  await other.says(`started ${id}`);
  other.child.kill("SIGKILL");
  await other.exited;
  const ran: string[] = [];
  await workHere("slow", ran);
  await queue.reaches(id, "completed");
  expect(ran).toEqual([id]);
  const { attempts } = (await queue.admin.job(id))!;
  expect(attempts.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
    [1, "lost"],
    [2, "completed"],
  ]);
  expect(attempts[0]!.error).toMatchObject({ code: "LEASE_LOST" });
  const beats = await queue.query(
    "select extract(epoch from $1::timestamptz - heartbeat_at)::float8 as silent from pillion.worker order by id limit 1",
    [attempts[0]!.finishedAt!.toISOString()],
  );
  expect(Number(beats[0]!.silent)).toBeGreaterThanOrEqual(0.6 - 0.001);
});

test("a job whose last attempt was lost with its worker is dead", async () => {
  const id = await queue.add("slow", null, { maxAttempts: 1 });
  const other = await workerProcess({ leaseMs: 300 });
  await other.says(`started ${id}`);
  other.child.kill("SIGKILL");
  await other.exited;
  const ran: string[] = [];
  await workHere("slow", ran);
  await queue.reaches(id, "dead");
  expect(ran).toEqual([]);
  expect((await queue.admin.job(id))!.attempts).toMatchObject([
    { outcome: "dead", error: { code: "LEASE_LOST" } },
  ]);
});

test("a worker that was frozen past its lease learns that its job is another's, and changes nothing", async () => {
  const id = await queue.add("slow");
  const other = await workerProcess({ leaseMs: 600 });
  await other.says(`started ${id}`);
  other.child.kill("SIGSTOP");
  const ran: string[] = [];
  await workHere("slow", ran);
  await queue.reaches(id, "completed");
  const before = await queue.admin.job(id);
  other.child.kill("SIGCONT");
  await other.says(`aborted ${id} LEASE_LOST`);
  await other.complains("lost its lease to another worker");
  expect(await queue.admin.job(id)).toEqual(before);
  // It is alive again, and takes jobs.
  const next = await queue.add("quick");
  await other.says(`started ${next}`);
});

test("SIGTERM hands running jobs back without counting an attempt, and the process ends by itself", async () => {
  const id = await queue.add("slow");
  const other = await workerProcess({ graceMs: 50 });
  await other.says(`started ${id}`);
  other.child.kill("SIGTERM");
  await other.says("stopped");
  expect(await other.exited).toEqual([0, null]);
  expect(await queue.admin.job(id)).toMatchObject({
    state: "ready",
    attempt: 0,
    attempts: [{ outcome: "released" }],
  });
  const ran: string[] = [];
  await workHere("slow", ran);
  await queue.reaches(id, "completed");
  expect((await queue.admin.job(id))!.attempt).toBe(1);
});

test("an idle worker process ends at SIGINT", async () => {
  const other = await workerProcess();
  const id = await queue.add("quick");
  await other.says(`started ${id}`);
  other.child.kill("SIGINT");
  expect(await other.exited).toEqual([0, null]);
  expect(await queue.query("select from pillion.worker where stopped_at is null")).toEqual([]);
});
