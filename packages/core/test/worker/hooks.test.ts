import { AsyncLocalStorage } from "node:async_hooks";
import { DiscardError, defineJob, type } from "@pillion/core";
import {
  createWorker,
  handle,
  handleMany,
  type WorkerEvents,
  type WorkerOptions,
} from "@pillion/core/worker";
import { expect, onTestFinished, test } from "vitest";
import { listeningLogger, testQueue, until } from "./queue.ts";

const work = defineJob({
  name: "work",
  payload: type<string>(),
  maxAttempts: 2,
  backoff: { type: "fixed", delayMs: 1 },
});

const events = [
  "started",
  "completed",
  "failed",
  "dead",
  "cancelled",
  "snoozed",
  "released",
  "lost",
] as const;

async function watched(options: Omit<WorkerOptions, "database" | "schema">) {
  const queue = await testQueue();
  const worker = createWorker({
    database: queue.pool,
    schema: queue.schema,
    pollMs: 20,
    logger: false,
    ...options,
  });
  onTestFinished(async () => {
    await worker.stop({ graceMs: 0 });
    await queue.drop();
  });
  const told: { event: keyof WorkerEvents; of: WorkerEvents[keyof WorkerEvents] }[] = [];
  for (const event of events) worker.on(event, (of) => told.push({ event, of }));
  return { queue, worker, told };
}

test("listeners are told of each attempt's start and outcome, by the record's names, and of no payload", async () => {
  let again = true;
  const { queue, worker, told } = await watched({
    handlers: [
      handle(work, (job) => {
        if (job.payload === "fails") throw new Error("no luck");
        if (job.payload === "discards") throw new DiscardError("in vain");
        if (job.payload === "snoozes" && again) {
          again = false;
          return job.snooze({ delayMs: 1 });
        }
        return undefined;
      }),
    ],
  });
  const ids = new Map<string, string>();
  for (const payload of ["completes", "fails", "discards", "snoozes"])
    ids.set(await queue.add("work", payload, { headers: { tenant: "7" } }), payload);
  await worker.start();
  for (const [id, payload] of ids)
    await queue.reaches(id, payload === "fails" || payload === "discards" ? "dead" : "completed");
  await until(() => told.length >= 12);
  const of = (payload: string) =>
    told.filter(({ of }) => ids.get(of.id) === payload).map(({ event, of }) => `${event} ${of.attempt}`);
  expect(of("completes")).toEqual(["started 1", "completed 1"]);
  expect(of("fails")).toEqual(["started 1", "failed 1", "started 2", "dead 2"]);
  expect(of("discards")).toEqual(["started 1", "dead 1"]);
  expect(of("snoozes")).toEqual(["started 1", "snoozed 1", "started 1", "completed 1"]);
  for (const { of } of told) {
    expect(of).toMatchObject({ name: "work", queue: "default", maxAttempts: 2, headers: { tenant: "7" } });
    expect(of).not.toHaveProperty("payload");
    expect(of.waitMs).toBeGreaterThanOrEqual(0);
  }
  expect(told.find(({ event }) => event === "failed")!.of).toMatchObject({
    error: { name: "Error", message: "no luck" },
    retryMs: 1,
  });
});

test("a completion is told once it is in the database", async () => {
  const { queue, worker, told } = await watched({ handlers: [handle(work, () => {})] });
  const states: Promise<string | undefined>[] = [];
  worker.on("completed", ({ id }) => states.push(queue.admin.job(id).then((job) => job?.state)));
  await queue.add("work", "");
  await worker.start();
  await until(() => told.some(({ event }) => event === "completed"));
  expect(await Promise.all(states)).toEqual(["completed"]);
});

test("jobs that are cancelled, handed back or taken by another worker are told as such", async () => {
  const held = new Set<string>();
  const { queue, worker, told } = await watched({
    handlers: [
      handle(work, async (job) => {
        held.add(job.payload);
        if (job.payload !== "lost") await new Promise(() => {});
        await until(() => !held.has("lost"));
      }),
    ],
  });
  const cancelled = await queue.add("work", "cancelled");
  const lost = await queue.add("work", "lost", { uniqueKey: "a row of its own" });
  const released = await queue.add("work", "released");
  await worker.start();
  await until(() => held.size === 3);
  await queue.admin.cancel(cancelled);
  await queue.reaches(cancelled, "cancelled");
  // As if another worker had claimed it anew.
  await queue.query("update pillion.job set claim = nextval('pillion.claim') where id = $1", [lost]);
  held.delete("lost");
  await until(() => told.some(({ event }) => event === "lost"));
  await worker.stop({ graceMs: 0 });
  const ends = told.filter(({ event }) => event !== "started").map(({ event, of }) => [event, of.id]);
  expect(ends.sort()).toEqual([
    ["cancelled", cancelled],
    ["lost", lost],
    ["released", released],
  ]);
});

test("what a listener throws is logged, and changes nothing; one that was taken back hears no more", async () => {
  const logger = listeningLogger();
  const { queue, worker } = await watched({ handlers: [handle(work, () => {})], logger });
  const heard: string[] = [];
  const end = worker.on("started", ({ id }) => heard.push(id));
  worker.on("started", () => {
    throw new RangeError("a broken listener");
  });
  const first = await queue.add("work", "");
  await worker.start();
  await queue.reaches(first, "completed");
  end();
  const second = await queue.add("work", "");
  await queue.reaches(second, "completed");
  expect(heard).toEqual([first]);
  expect(logger.lines).toContain(
    `a listener to "started" of job ${first} "work" threw: RangeError: a broken listener`,
  );
  expect(() => worker.on("finished" as never, () => {})).toThrow(
    'worker.on: there is no event "finished". Known: started, completed,',
  );
  expect(() => worker.on("started", undefined as never)).toThrow(
    'worker.on("started") got undefined, not a function.',
  );
});

test("what is around a handler ends where its job falls asleep, and where its time is over", async () => {
  const told: unknown[] = [];
  const slow = defineJob({ name: "slow", payload: type<null>(), maxAttempts: 1, timeoutMs: 50 });
  const { queue, worker } = await watched({
    handlers: [handle(work, (job) => job.sleep(500)), handle(slow, () => new Promise<void>(() => {}))],
    around: async ([job], run) => {
      try {
        told.push([job!.name, await run()]);
      } catch (error) {
        told.push([job!.name, (error as Error).name]);
        throw error;
      }
    },
  });
  const sleeper = await queue.add("work", "");
  const late = await queue.add("slow");
  await worker.start();
  await queue.reaches(sleeper, "completed");
  await queue.reaches(late, "dead");
  expect(told).toHaveLength(3);
  expect(told).toEqual(
    expect.arrayContaining([
      ["work", undefined],
      ["work", undefined],
      ["slow", "JobTimeoutError"],
    ]),
  );
});

test("around encloses each call of a handler, and its error fails the attempt", async () => {
  const tenants = new AsyncLocalStorage<unknown>();
  const many = defineJob({ name: "many", payload: type<string>(), queue: "many" });
  const seen: unknown[] = [];
  const { queue, worker } = await watched({
    handlers: [
      handle(work, async (job) => {
        await Promise.resolve();
        seen.push([job.payload, tenants.getStore()]);
      }),
      handleMany(many, { maxJobs: 5 }, async (jobs) => void seen.push([jobs.length, tenants.getStore()])),
    ],
    around: (jobs, run) => {
      if (jobs[0]!.payload === "refused") throw new DiscardError("no such tenant");
      return tenants.run(jobs[0]!.headers.tenant, run);
    },
  });
  const ids = [
    await queue.add("work", "one", { headers: { tenant: "7" } }),
    await queue.add("many", "two", { queue: "many", headers: { tenant: "8" } }),
  ];
  const refused = await queue.add("work", "refused");
  await worker.start();
  for (const id of ids) await queue.reaches(id, "completed");
  await queue.reaches(refused, "dead");
  expect(seen).toEqual(
    expect.arrayContaining([
      ["one", "7"],
      [1, "8"],
    ]),
  );
  expect(seen).toHaveLength(2);
  expect((await queue.admin.job(refused))!.attempts[0]!.error).toMatchObject({ message: "no such tenant" });
  expect(() =>
    createWorker({ database: queue.pool, handlers: [handle(work, () => {})], around: 7 as never }),
  ).toThrow("createWorker: around is 7, not a function.");
});
