import { defineEvent, defineJob, defineTopic, type } from "@pillion/core";
import { type Admin, createAdmin, diagnose, schedule } from "@pillion/core/admin";
import { createClaimer, createWorker } from "@pillion/core/worker";
import pg from "pg";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type OwnQueue, ownQueue } from "./own-queue.ts";
import { withSavepoints } from "./testing/with-savepoints.ts";
import { urlWith } from "./url-with.ts";
import { listeningLogger } from "./worker/queue.ts";

// Every verb, in the hands of the role that it is for, and of one that it is not for.

const kinds = ["enqueuer", "worker", "operator", "reader"] as const;
type Kind = (typeof kinds)[number];
let queue: OwnQueue;
let pools: Record<Kind, pg.Pool>;
let admins: Record<Kind, Admin>;
const nameOf = (kind: Kind) => `${queue.schema}_at_work_${kind}`;
beforeAll(async () => {
  queue = await ownQueue("roles");
  const each = <T>(make: (kind: Kind) => T) =>
    Object.fromEntries(kinds.map((kind) => [kind, make(kind)])) as Record<Kind, T>;
  for (const kind of kinds) {
    await queue.query(`create role ${nameOf(kind)} login password 'only-for-these-tests'`);
    await queue.query("select pillion.allow($1, $2)", [nameOf(kind), kind]);
  }
  pools = each(
    (kind) =>
      new pg.Pool({
        connectionString: urlWith({}, { name: nameOf(kind), password: "only-for-these-tests" }),
        max: 3,
      }),
  );
  admins = each((kind) => createAdmin({ database: pools[kind], schema: queue.schema }));
});
afterAll(async () => {
  for (const kind of kinds) {
    await pools[kind].end();
    await queue.query(`drop owned by ${nameOf(kind)}; drop role ${nameOf(kind)}`);
  }
  await queue.drop();
});

const denied = { code: "42501" };
const work = defineJob({ name: "work", queue: "at work", payload: type<number>(), result: type<number>() });
const claimed = defineJob({ name: "claimed", queue: "claimed", payload: type<number>() });
const packed = defineEvent({ name: "packed", payload: type<{ boxes: number }>() });
const placed = defineTopic({ name: "placed", payload: type<number>() });

test("a worker runs steps, waits, children and handlers that commit, each with what an enqueuer has put in", async () => {
  const verbs = withSavepoints("test", queue.schema);
  const child = defineJob({
    name: "child",
    queue: "at work",
    payload: type<number>(),
    result: type<number>(),
  });
  const log = listeningLogger();
  const worker = createWorker({
    database: pools.worker,
    schema: queue.schema,
    pollMs: 20,
    logger: log,
    handlers: [
      verbs.transactional(pools.worker, child, async (_tx, job) => job.payload + 1),
      verbs.handle(pools.worker, work, async (job) => {
        const one = await job.step("one", () => 1);
        const two = await job.stepTx("two", async () => 2);
        await job.sleep(1);
        const { boxes } = await job.waitForEvent(packed("1"));
        const children = await job.run([child(one), child(two)]);
        return job.commit(async () => children.reduce((sum, result) => sum + result, boxes));
      }),
    ],
  });
  await worker.start();
  onTestFinished(() => worker.stop({ graceMs: 0 }));
  const tx = await pools.enqueuer.connect();
  await tx.query("begin");
  const enqueued = () => queue.verbs.enqueue(tx, work(0));
  const { id } = await queue.verbs.idempotent(tx, ["roles", "once"], enqueued);
  expect(await queue.verbs.idempotent(tx, ["roles", "once"], enqueued)).toMatchObject({ id });
  expect(await queue.verbs.emit(tx, packed("1"), { boxes: 10 })).toEqual({ emitted: true });
  await tx.query("commit");
  tx.release();
  expect(await admins.reader.waitFor(id, work)).toBe(15);
  expect(await admins.reader.event(packed("1"))).toMatchObject({ payload: { boxes: 10 } });
  expect((await admins.reader.job(id))!.steps).toHaveLength(5);
  expect(log.lines).toEqual([]);
});

test("a worker's role serves a loop of one's own: claim, extend, complete, fail, snooze, release", async () => {
  const ids: string[] = [];
  for (const number of [1, 2, 3, 4]) ids.push((await admins.enqueuer.enqueue(claimed(number))).id);
  const claimer = createClaimer({
    database: pools.worker,
    schema: queue.schema,
    jobTypes: [claimed],
    logger: false,
  });
  const held = await claimer.claim({ limit: 4 });
  await claimer.extend();
  await claimer.complete(held[0]!);
  await claimer.fail(held[1]!, new Error("no"), { discard: true });
  await claimer.snooze(held[2]!, { delayMs: 60_000 });
  await claimer.release(held[3]!);
  await claimer.stop();
  const states = await Promise.all(ids.map(async (id) => (await admins.reader.job(id))!.state));
  expect(states).toEqual(["completed", "dead", "scheduled", "ready"]);
});

const anyFilter = { queue: "nobody's" };
const acts: Record<string, readonly [(admin: Admin) => Promise<unknown>, ...Kind[]]> = {
  enqueue: [(admin) => admin.enqueue(work(1, { queue: "unserved" })), "enqueuer"],
  "enqueue with a key": [
    (admin) => admin.enqueue(work(1, { queue: "unserved", uniqueKey: "k" })),
    "enqueuer",
  ],
  publish: [(admin) => admin.publish(placed, 1), "enqueuer"],
  emit: [(admin) => admin.emit(packed("other"), { boxes: 1 }), "enqueuer"],
  cancel: [(admin) => admin.cancel(anyFilter), "enqueuer", "operator"],
  retry: [(admin) => admin.retry(anyFilter), "enqueuer", "operator"],
  reschedule: [(admin) => admin.reschedule(anyFilter, { delayMs: 1 }), "enqueuer", "operator"],
  redrive: [(admin) => admin.redrive(anyFilter), "enqueuer", "operator"],
  purge: [(admin) => admin.purge("nobody's"), "enqueuer", "operator"],
  pause: [(admin) => admin.pause("paused"), "operator"],
  resume: [(admin) => admin.resume("paused"), "operator"],
  setQueue: [(admin) => admin.setQueue("set", { concurrency: 1 }), "operator", "worker"],
  subscribe: [(admin) => admin.subscribe(placed, work), "operator", "worker"],
  unsubscribe: [(admin) => admin.unsubscribe(placed, work), "operator"],
  "schedules.set": [
    (admin) => admin.schedules.set(schedule({ name: "daily", cron: "@daily", job: work(1) })),
    "operator",
    "worker",
  ],
  "schedules.list": [(admin) => admin.schedules.list(), "reader", "operator", "worker"],
  // A worker reads what it runs.
  job: [(admin) => admin.job("1"), "reader", "worker"],
  jobs: [(admin) => admin.jobs({}), "reader"],
  lookForJobs: [(admin) => admin.lookForJobs({}), "reader"],
  deadGroups: [(admin) => admin.deadGroups(), "reader"],
  workers: [(admin) => admin.workers(), "reader", "worker"],
  queues: [(admin) => admin.queues(), "reader", "worker"],
  throughput: [(admin) => admin.throughput(), "reader"],
  event: [(admin) => admin.event(packed("1")), "reader", "worker"],
  "a dry run": [(admin) => admin.purge("nobody's", { dryRun: true }), "reader"],
};

test.each(Object.keys(acts))("admin.%s is for those roles that it is for, and for no other", async (name) => {
  const [act, ...allowed] = acts[name]!;
  for (const kind of kinds) {
    const acted = act(admins[kind]).then(
      () => "done",
      (error: { code?: unknown }) => error.code,
    );
    expect({ kind, came: await acted }).toEqual({
      kind,
      came: allowed.includes(kind) ? "done" : denied.code,
    });
  }
});

test("a reader asks the doctor", async () => {
  const { findings } = await diagnose({ database: pools.reader, schema: queue.schema });
  expect(findings.filter(({ severity }) => severity === "critical")).toEqual([]);
});

test("the view of jobs is a reader's alone", async () => {
  const look = (kind: Kind) =>
    queue.query("select id, name, state from pillion.jobs", [], pools[kind] as never);
  expect((await look("reader")).length).toBeGreaterThan(0);
  for (const kind of ["enqueuer", "worker", "operator"] as const)
    await expect(look(kind)).rejects.toMatchObject(denied);
});
