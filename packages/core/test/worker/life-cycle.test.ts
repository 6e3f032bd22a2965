import { defineJob, type } from "@pillion/core";
import { createWorker, handle, type WorkerOptions } from "@pillion/core/worker";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type TestQueue, testQueue, until } from "./queue.ts";

let queue: TestQueue;
beforeEach(async () => {
  queue = await testQueue();
});
afterEach(() => queue.drop());

const noop = defineJob({ name: "noop", payload: type<null>() });
const options = (changes: Partial<WorkerOptions> = {}): WorkerOptions => ({
  database: queue.url,
  schema: queue.schema,
  handlers: [handle(noop, () => {})],
  pollMs: 50,
  logger: false,
  ...changes,
});

test("start and stop may be called again, and a stopped worker holds nothing", async () => {
  const worker = createWorker(options());
  await Promise.all([worker.start(), worker.start()]);
  await worker.start();
  expect(await queue.query("select from pillion.worker")).toHaveLength(1);
  await Promise.all([worker.stop(), worker.stop()]);
  expect(await queue.query("select from pillion.worker where stopped_at is null")).toEqual([]);
  await expect(worker.start()).rejects.toMatchObject({ code: "INVALID_CONFIGURATION" });
});

test("stop waits for running handlers within their grace", async () => {
  const id = await queue.add("noop");
  let started = false;
  let end!: () => void;
  const worker = createWorker(
    options({
      handlers: [
        handle(noop, () => {
          started = true;
          return new Promise<void>((resolve) => {
            end = resolve;
          });
        }),
      ],
    }),
  );
  await worker.start();
  await until(() => started);
  const stopped = worker.stop({ graceMs: 60_000 });
  end();
  await stopped;
  expect((await queue.admin.job(id))!.state).toBe("completed");
});

test("a worker on the application's pool leaves the pool open and usable", async () => {
  const pool = new pg.Pool({ connectionString: queue.url, max: 1 });
  const id = await queue.add("noop");
  const worker = createWorker(options({ database: pool }));
  await worker.start();
  await queue.reaches(id, "completed");
  await worker.stop();
  expect((await pool.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  await pool.end();
});

test("start refuses a schema that is missing, and names the command", async () => {
  const worker = createWorker(options({ schema: "pillion_missing" }));
  await expect(worker.start()).rejects.toMatchObject({
    code: "SCHEMA_OUTDATED",
    message: expect.stringContaining("npx pillion migrate"),
  });
  await worker.stop();
});

test("start passes on that the database cannot be reached", async () => {
  const worker = createWorker(options({ database: "postgres://127.0.0.1:1/none" }));
  await expect(worker.start()).rejects.toThrow(/ECONNREFUSED/);
  await worker.stop();
});

test("runOnce runs what is ready, says how much, and leaves no connection open", async () => {
  for (let index = 0; index < 30; index++) await queue.add("noop");
  const before = await connections();
  expect(await createWorker(options()).runOnce({ maxJobs: 20 })).toEqual({ ran: 20, failed: 0, more: true });
  expect(await createWorker(options()).runOnce()).toEqual({ ran: 10, failed: 0, more: false });
  expect(await createWorker(options()).runOnce()).toEqual({ ran: 0, failed: 0, more: false });
  await until(async () => (await connections()) <= before);
});

const connections = async (): Promise<number> =>
  (
    await queue.query(
      "select count(*)::int as n from pg_stat_activity where application_name like 'pillion worker%' and datname = current_database()",
    )
  )[0]!.n!;

test("runOnce runs as many as it may where jobs that it claimed ahead did not get to run in time", async () => {
  for (let index = 0; index < 5; index++) await queue.add("noop");
  const released = () => queue.query("select from pillion.attempt where outcome = 'released'");
  let runs = 0;
  const slowSecond = handle(noop, async () => {
    // The first is quick, so that more are claimed ahead, which wait behind this one.
    if (++runs === 2) await until(async () => (await released()).length > 0);
  });
  const worker = createWorker(options({ handlers: [slowSecond], concurrency: 1 }));
  expect(await worker.runOnce({ maxJobs: 4 })).toEqual({ ran: 4, failed: 0, more: true });
  expect(runs).toBe(4);
});

test("runOnce hands back what still runs when its time is over", async () => {
  const id = await queue.add("noop");
  const worker = createWorker(options({ handlers: [handle(noop, () => new Promise<void>(() => {}))] }));
  expect(await worker.runOnce({ maxMs: 1_000 })).toEqual({ ran: 0, failed: 0, more: true });
  expect(await queue.admin.job(id)).toMatchObject({ state: "ready", attempt: 0 });
});

test.each([
  [
    "a time that is no number",
    { maxMs: Number.NaN },
    "runOnce: maxMs is NaN, not a whole number of at least 1.",
  ],
  ["a time of zero", { maxMs: 0 }, "runOnce: maxMs is 0, not"],
  ["a negative time", { maxMs: -1 }, "runOnce: maxMs is -1, not"],
  ["a time without end", { maxMs: Number.POSITIVE_INFINITY }, "runOnce: maxMs is Infinity, not"],
  ["no job at all", { maxJobs: 0 }, "runOnce: maxJobs is 0, not"],
  ["half a job", { maxJobs: 1.5 }, "runOnce: maxJobs is 1.5, not"],
  ["a number in quotes", { maxJobs: "5" }, 'runOnce: maxJobs is "5", not'],
  ["an unknown option", { maxjobs: 5 }, 'runOnce: unknown option "maxjobs".'],
  ["a bare number", 50, "runOnce: pass one object"],
])("runOnce refuses %s, and touches no job", async (_, bounds, message) => {
  const id = await queue.add("noop");
  await expect(createWorker(options()).runOnce(bounds as never)).rejects.toMatchObject({
    code: "INVALID_CONFIGURATION",
    message: expect.stringContaining(message),
  });
  expect(await queue.admin.job(id)).toMatchObject({ state: "ready", attempt: 0 });
});

test("a bound of runOnce that is undefined is absent", async () => {
  await queue.add("noop");
  const worker = createWorker(options());
  expect(await worker.runOnce({ maxMs: undefined, maxJobs: undefined })).toMatchObject({ ran: 1 });
});

test.each([
  ["no handlers", { handlers: [] }, /handlers is empty/],
  [
    "two handlers for one name",
    { handlers: [handle(noop, () => {}), handle(noop, () => {})] },
    /job "noop" version 1 has two handlers/,
  ],
  ["a concurrency below one", { concurrency: 0 }, /concurrency is 0/],
  ["no queue", { queues: [] }, /queues is empty/],
  ["an empty queue name", { queues: [""] }, /is empty/],
  ["an unknown option", { concurency: 3 } as never, /unknown option "concurency"/],
  ["a database that is none", { database: {} as never }, /pass a connection URL/],
])("createWorker or start refuses %s", async (_, changes, message) => {
  await expect((async () => createWorker(options(changes)).start())()).rejects.toThrow(message);
});
