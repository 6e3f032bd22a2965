import { randomUUID } from "node:crypto";
import { defineJob, type } from "@pillion/core";
import { type Admin, createAdmin } from "@pillion/core/admin";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type OwnQueue, ownQueue } from "../own-queue.ts";
import { runningJob } from "./heard.ts";

let queue: OwnQueue;
let admin: Admin;
beforeAll(async () => {
  queue = await ownQueue("admin");
  admin = createAdmin({ database: queue.pool, schema: queue.schema });
});
afterAll(() => queue.drop());

/** Ready jobs of a name and queue of their own, with payloads from 1 on. */
async function jobs(count: number): Promise<string> {
  const name = `admin.${randomUUID()}`;
  await queue.query(
    "insert into pillion.job (name, queue, payload) select $1, $1, to_jsonb(n) from generate_series(1, $2::int) n order by n",
    [name, count],
  );
  return name;
}
const states = async (name: string) =>
  (await admin.jobs({ name }, { limit: 1_000 })).map(({ state }) => state).reverse();

test("a filter is followed to its end, ten thousand jobs at a time, each job changed once", async () => {
  const name = await jobs(20_001);
  const said: number[] = [];
  const onProgress = (count: number) => void said.push(count);
  expect(await admin.reschedule({ name }, { delayMs: 1_000_000 }, { onProgress })).toEqual({ count: 20_001 });
  expect(said).toEqual([10_000, 20_000, 20_001]);
  expect(await admin.cancel({ queue: name })).toEqual({ count: 20_001 });
  expect(await admin.cancel({ queue: name })).toEqual({ count: 0 });
  expect(await admin.retry({ queue: name })).toEqual({ count: 0 });
  expect(await admin.retry({ queue: name, state: "cancelled" })).toEqual({ count: 20_001 });
});

test("a dry run says how many jobs a verb would change, and changes none", async () => {
  const name = await jobs(10_001);
  const dryRun = { dryRun: true };
  const [newest] = await admin.jobs({ name }, { limit: 1 });
  await admin.cancel(newest!.id);
  expect(await admin.purge(name, dryRun)).toEqual({ count: 10_000 });
  expect(await admin.cancel({ name }, dryRun)).toEqual({ count: 10_000 });
  expect(await admin.reschedule({ name }, { delayMs: 1 }, dryRun)).toEqual({ count: 10_000 });
  expect(await admin.retry({ name }, dryRun)).toEqual({ count: 0 });
  expect(await admin.retry({ name, state: "cancelled" }, dryRun)).toEqual({ count: 1 });
  expect(await admin.redrive({ name }, dryRun)).toEqual({ count: 0 });
  expect(await admin.purge(name)).toEqual({ count: 10_000 });
});

test("a signal ends a verb between two of its statements: what was changed by then stays so", async () => {
  const name = await jobs(10_001);
  const { signal, ...stop } = stopper();
  const said: number[] = [];
  const onProgress = (count: number) => {
    said.push(count);
    stop.now();
  };
  await expect(admin.cancel({ name }, { onProgress, signal })).rejects.toThrow("enough");
  expect(said).toEqual([10_000]);
  expect(await admin.cancel({ name })).toEqual({ count: 1 });
});

function stopper() {
  const controller = new AbortController();
  return { signal: controller.signal, now: () => controller.abort(new Error("enough")) };
}

test("a job is enqueued by itself, and a key is looked at", async () => {
  const jobType = defineJob({ name: `admin.${randomUUID()}`, payload: type<number>(), queue: "admin" });
  const first = await admin.enqueue(jobType(1, { uniqueKey: "k", delayMs: 1_000_000 }));
  expect(first).toMatchObject({ created: true, state: "scheduled" });
  expect(await admin.enqueue(jobType(2, { uniqueKey: "k" }))).toEqual({
    id: first.id,
    created: false,
    state: "scheduled",
  });
  const { id } = await admin.enqueue(jobType(3));
  expect(await admin.job(id)).toMatchObject({
    name: jobType.name,
    queue: "admin",
    payload: 3,
    state: "ready",
  });
});

test("the oldest of a queue's ready jobs is found behind younger ones of a higher priority and in a key's line", async () => {
  const name = await jobs(2);
  const oldest = async () =>
    (await admin.queues()).find((record) => record.name === name)!.oldestReadyAt!.toISOString();
  const at = "2026-01-02T03:04:05.000Z";
  await queue.query("update pillion.job set priority = -4, run_at = $2 where name = $1 and payload = '2'", [
    name,
    at,
  ]);
  expect(await oldest()).toBe(at);
  await queue.query("update pillion.job set partition_key = 'k' where name = $1 and payload = '2'", [name]);
  expect(await oldest()).toBe(at);
});

test("a queue of which nothing but dead jobs are left is listed with them", async () => {
  const name = await jobs(2);
  await admin.purge(name);
  await queue.query("update pillion.archive set state = 'dead' where name = $1", [name]);
  expect((await admin.queues()).find((record) => record.name === name)).toMatchObject({
    ready: 0,
    dead: 2,
    oldestReadyAt: null,
  });
});

test("a schema that is missing, older or newer is told apart from the one of this release", async () => {
  await admin.checkSchema();
  const missing = createAdmin({ database: queue.pool, schema: "no_such_schema" });
  await expect(missing.checkSchema()).rejects.toThrow(/"no_such_schema".* is missing .*npx pillion migrate/);
  await queue.query("insert into pillion.migration (version, name) values (9999, 'from the future')");
  await expect(admin.checkSchema()).rejects.toThrow(/version 9999; .*Use a newer release/);
  await queue.query("delete from pillion.migration where version = 9999");
});

test("a purge ends what waits, and lets go on what runs", async () => {
  const name = await jobs(2);
  const running = await runningJob(queue, name, 3);
  await queue.query("update pillion.job set queue = $1 where id = $2", [name, running]);
  expect(await admin.purge(name)).toEqual({ count: 2 });
  expect(await states(name)).toEqual(["cancelled", "cancelled", "running"]);
  expect((await admin.job(running))!.state).toBe("running");
  const [marked] = await queue.query("select cancelled_at from pillion.job where id = $1", [running]);
  expect(marked).toEqual({ cancelled_at: null });
});

test("a redrive brings back the dead alone", async () => {
  const name = await jobs(2);
  const [first] = await admin.jobs({ name });
  await admin.cancel({ name });
  await queue.query("update pillion.archive set state = 'dead' where id = $1", [first!.id]);
  expect(await admin.redrive({ name })).toEqual({ count: 1 });
  expect((await admin.job(first!.id))!.state).toBe("ready");
});

test("jobs are listed in every state, the newest first, a page after the other", async () => {
  const name = await jobs(5);
  const all = await admin.jobs({ name });
  const ids = all.map(({ id }) => Number(id));
  expect(ids).toEqual([...ids].sort((a, b) => b - a));
  await admin.cancel({ ids: [all[1]!.id, all[4]!.id] });
  const pages = [];
  for (let before: string | undefined; ; ) {
    const page = await admin.jobs({ queue: name }, { limit: 2, before });
    if (page.length === 0) break;
    pages.push(page.map(({ state }) => state));
    before = page.at(-1)!.id;
  }
  expect(pages).toEqual([["ready", "cancelled"], ["ready", "ready"], ["cancelled"]]);
  expect(await admin.jobs({ name, state: ["cancelled"] })).toMatchObject([
    { id: all[1]!.id },
    { id: all[4]!.id },
  ]);
  expect(await admin.jobs({ ids: [all[2]!.id] })).toMatchObject([{ payload: 3, priority: 0, error: null }]);
  expect((await admin.jobs({}, { limit: 3 })).length).toBe(3);
});

test("queues are listed with what is settled for them and what waits and runs in them", async () => {
  const name = await jobs(3);
  const running = await runningJob(queue, name, 4);
  await queue.query("update pillion.job set partition_key = 'p' where name = $1 and payload = '2'", [name]);
  await queue.query("update pillion.job set queue = $1 where id = $2", [name, running]);
  await admin.reschedule((await admin.jobs({ name, state: "ready" }))[0]!.id, { delayMs: 1_000_000 });
  await admin.setQueue(name, { concurrency: 5, rate: { limit: 2, perMs: 1_000 }, keepDeadMs: 60_000 });
  await admin.pause(name);
  const mine = async () => (await admin.queues()).find((record) => record.name === name);
  expect(await mine()).toEqual({
    name,
    pausedAt: expect.any(Date),
    ready: 2,
    readyMore: false,
    running: 1,
    scheduled: 1,
    dead: 0,
    oldestReadyAt: (await admin.jobs({ name, state: "ready" })).at(-1)!.runAt,
    oldestReadyMs: expect.any(Number),
    settings: {
      concurrency: 5,
      keyConcurrency: null,
      rate: { limit: 2, perMs: 1_000 },
      keyRate: null,
      fifo: false,
      fifoOnDead: "continue",
      keepCompletedMs: null,
      keepDeadMs: 60_000,
      keepCancelledMs: null,
    },
  });
  await admin.setQueue(name, { concurrency: undefined, rate: null, fifo: true });
  expect(await admin.resume(name)).toEqual({ changed: true });
  expect(await mine()).toMatchObject({
    pausedAt: null,
    settings: { concurrency: 5, rate: null, fifo: true, keepDeadMs: 60_000 },
  });
  await admin.setQueue(name, { fifo: null, concurrency: null });
  expect(await mine()).toMatchObject({ settings: { concurrency: null, fifo: false } });
});

test.each<[settings: unknown, message: string]>([
  [{ concurrency: 0 }, "concurrency is 0, not a whole number from 1 to 2147483647"],
  [{ keyConcurrency: 1.5 }, "keyConcurrency is 1.5, not a whole number"],
  [{ rate: { limit: 0, perMs: 1_000 } }, "rate is not { limit, perMs }"],
  [{ keyRate: 5 }, "keyRate is 5, not { limit, perMs }"],
  [{ rate: { limit: 1, perMs: 1, burst: 2 } }, "rate is not { limit, perMs }"],
  [{ fifo: "yes" }, 'fifo is "yes", none of true, false'],
  [{ fifoOnDead: "stop" }, 'fifoOnDead is "stop", none of continue, block'],
  [{ keepDeadMs: -1 }, "keepDeadMs is -1, not a whole number from 0"],
  [{ concurency: 1 }, 'unknown setting "concurency". Known: concurrency, keyConcurrency'],
  [null, "got null, not an object of settings"],
])("setQueue refuses %o, and changes nothing", async (settings, message) => {
  await expect(admin.setQueue("refused", settings as never)).rejects.toMatchObject({
    code: "INVALID_CONFIGURATION",
    message: expect.stringContaining(`setQueue of queue "refused": ${message}`),
  });
  expect(await queue.query("select from pillion.queue where name = 'refused'")).toEqual([]);
});

const job = defineJob({ name: "refused", payload: type<unknown>() });
const calls: Record<string, [call: () => Promise<unknown>, message: string]> = {
  "cancel of an empty filter": [() => admin.cancel({}), "cancel: the filter names no property of jobs"],
  "retry of a name for an id": [() => admin.retry("mail.send"), 'retry: "mail.send" is no job\'s id'],
  "cancel of a job type": [() => admin.cancel(job as never), "cancel: got a job type"],
  "cancel of a misspelt property": [
    () => admin.cancel({ quue: "x" } as never),
    'has the unknown property "quue"',
  ],
  "cancel of an unknown state": [() => admin.cancel({ state: "done" as never }), 'state is "done", none of'],
  "cancel of 10,001 ids": [
    () => admin.cancel({ ids: Array(10_001).fill("1") }),
    "not an array of up to 10000 ids",
  ],
  "cancel by headers with a Date": [
    () => admin.cancel({ headers: { at: new Date(0) } }),
    "headers is an instance of Date",
  ],
  "reschedule without a time": [() => admin.reschedule("1", {} as never), "the time has neither"],
  "reschedule to two times": [
    () => admin.reschedule("1", { runAt: new Date(), delayMs: 1 } as never),
    "the time has both",
  ],
  "reschedule to the past by delay": [() => admin.reschedule("1", { delayMs: -1 }), "delayMs is -1"],
  "reschedule to no date": [
    () => admin.reschedule("1", { runAt: new Date("never") }),
    "runAt is an invalid Date",
  ],
  "purge of everything": [() => admin.purge({}), "purge: the filter names no property of jobs"],
  "redrive by state": [() => admin.redrive({ state: "completed" } as never), "got a filter with a state"],
  "pause of no queue": [() => admin.pause(""), "pause: the queue's name is empty"],
  "jobs without a filter": [() => admin.jobs(undefined as never), "jobs: got undefined"],
  "jobs beyond the limit": [() => admin.jobs({}, { limit: 1_001 }), "limit is 1001"],
};
test.each(Object.keys(calls))("%s is refused, and says why", async (name) => {
  const [call, message] = calls[name]!;
  await expect(call()).rejects.toMatchObject({
    code: "INVALID_REQUEST",
    message: expect.stringContaining(message),
  });
});
