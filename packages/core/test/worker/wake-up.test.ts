import { defineJob, type } from "@pillion/core";
import { createWorker, handle, type WorkerOptions } from "@pillion/core/worker";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type TestQueue, testQueue, until } from "./queue.ts";

let queue: TestQueue;
const stops: (() => Promise<void>)[] = [];
beforeEach(async () => {
  queue = await testQueue();
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await queue.drop();
});

const woken = defineJob({ name: "woken", payload: type<null>() });
// Longer than any test may take: what runs was not found by a poll.
const never = 3_600_000;

async function sleepingWorker(options: Partial<WorkerOptions> = {}) {
  const worker = createWorker({
    database: queue.url,
    schema: queue.schema,
    handlers: [handle(woken, () => {})],
    pollMs: never,
    logger: false,
    ...options,
  });
  stops.push(() => worker.stop({ graceMs: 0 }));
  await worker.start();
  await asleep();
  return worker;
}

/** The server processes of workers that sleep: each holds an advisory lock whose class is the jobs table. */
const sleepers = async (and = "true") =>
  (
    await queue.query(
      `select pid from pg_locks where locktype = 'advisory' and granted and mode = 'ExclusiveLock' and classid = 'pillion.job'::regclass and database = (select oid from pg_database where datname = current_database()) and ${and}`,
    )
  ).map(({ pid }) => pid);
/** Workers that have said they would sleep: each is awake for 20 ms before. */
const rested = "select from pillion.worker where heartbeat_at > started_at + interval '20 ms'";
const asleep = () => until(async () => (await sleepers()).length > 0);

test("a commit wakes a worker that sleeps", async () => {
  await sleepingWorker();
  const id = await queue.add("woken");
  await queue.reaches(id, "completed");
});

test.each(["read committed", "repeatable read", "serializable"])(
  "a worker that fell asleep after the enqueue, but before its commit, misses nothing (%s)",
  async (level) => {
    const client = await queue.pool.connect();
    await client.query(`begin isolation level ${level}`);
    const { rows } = await client.query(`select id::text from ${queue.schema}.enqueue('woken', 'null')`);
    await sleepingWorker();
    await client.query("commit");
    client.release();
    await queue.reaches(rows[0].id, "completed");
  },
);

/** A transaction that is open, and has enqueued while nobody slept: its commit will wake nobody. */
async function openUnheard(options: string | null = null) {
  const client = await queue.pool.connect();
  await client.query("begin");
  await client.query("select pg_current_xact_id()");
  const { rows } = await client.query(
    `select split_part(split_part(${queue.schema}.enqueue_one('default', 'woken', 'null', $1), ' ', 2), ',', 1) as id`,
    [options],
  );
  return {
    /** Commits, and waits until the job has run: long before a worker looks that nothing has told. */
    async commitsAndRuns() {
      await client.query("commit");
      const { rows: clock } = await client.query("select clock_timestamp()::text as now");
      client.release();
      await queue.reaches(rows[0].id, "completed");
      const [run] = await queue.query(
        "select started_at < $2::timestamptz + interval '20 seconds' as soon from pillion.archive where id = $1",
        [rows[0].id, clock[0].now],
      );
      expect(run).toEqual({ soon: true });
    },
  };
}

/** Resolves when a worker has beaten since this was called. */
async function beat() {
  const last = async () =>
    (await queue.query("select max(heartbeat_at)::text as at from pillion.worker"))[0]!.at;
  const before = await last();
  await until(async () => (await last()) !== before);
}

test.each([
  ["a job", null],
  ["a job with a partition key", '{"partitionKey": "tenant"}'],
])(
  "a worker that would fall asleep while somebody is enqueuing %s looks by itself until that has ended",
  async (_, options) => {
    const tx = await openUnheard(options);
    const worker = createWorker({
      database: queue.url,
      schema: queue.schema,
      handlers: [handle(woken, () => {})],
      pollMs: never,
      leaseMs: never,
      logger: false,
    });
    stops.push(() => worker.stop({ graceMs: 0 }));
    await worker.start();
    // Each time it would sleep: often enough to look seldom, if it did so for this.
    for (let times = 0; times < 20; times++) await beat();
    expect(await sleepers()).toEqual([]);
    await tx.commitsAndRuns();
    await asleep();
  },
);

test("a worker that counts on another one's sleep looks by itself too, once a beat has told it", async () => {
  const sleeper = await queue.pool.connect();
  const lock = "('pillion.job'::regclass::oid::int4, hashtext('default'))";
  const text = (act: string) => `select ${act}${lock}`.replaceAll("pillion.", `${queue.schema}.`);
  await sleeper.query(text("pg_advisory_lock"));
  await sleepingWorker({ leaseMs: never });
  await until(async () => (await queue.query(rested)).length > 0);
  await sleeper.query(text("pg_advisory_unlock"));
  sleeper.release();
  const tx = await openUnheard();
  const told = beat();
  await queue.query(
    "select pg_notify('pillion_' || 'pillion.job'::regclass::oid || '_beat', id::text) from pillion.worker",
  );
  await told;
  await tx.commitsAndRuns();
});

test("a job of another queue does not keep a worker from being woken for its own", async () => {
  await sleepingWorker({ queues: ["default", "mail"] });
  await queue.add("woken", null, { queue: "elsewhere" });
  const id = await queue.add("woken", null, { queue: "mail" });
  await queue.reaches(id, "completed");
});

test("a worker without a connection to listen on finds jobs by polling", async () => {
  const worker = createWorker({
    database: queue.url,
    schema: queue.schema,
    handlers: [handle(woken, () => {})],
    pollMs: 50,
    logger: false,
    listen: false,
  });
  stops.push(() => worker.stop({ graceMs: 0 }));
  await worker.start();
  const id = await queue.add("woken");
  await queue.reaches(id, "completed");
  expect(
    await queue.query(
      "select from pg_stat_activity where application_name = 'pillion worker (listen)' and datname = current_database()",
    ),
  ).toEqual([]);
});

test("a job that failed runs again when it is due, whatever its worker does at that moment", async () => {
  const failing = defineJob({
    name: "failing",
    payload: type<null>(),
    maxAttempts: 2,
    backoff: { type: "fixed", delayMs: 10 },
  });
  const fail = handle(failing, () => {
    throw new Error("no");
  });
  // Nor does the beat come in time by itself.
  await sleepingWorker({ handlers: [fail], leaseMs: never });
  // The worker may be claiming when the job becomes ready, or asleep: among so many there are both.
  for (let round = 0; round < 30; round++) await queue.reaches(await queue.add("failing"), "dead");
});

test("a stream of commits for others leaves a worker awake, which finds its own jobs and then sleeps again", async () => {
  await sleepingWorker();
  const others = stream("of-others");
  await until(async () => (await sleepers()).length === 0);
  const id = await queue.add("woken");
  await queue.reaches(id, "completed");
  await others.end();
  await asleep();
});

test("a worker that is called too often for others' jobs has another one listen in its place", async () => {
  await sleepingWorker({ queues: ["default", "mail"], leaseMs: never });
  const asleepIn = (name: string) => `objid = hashtext('${name}')::int4::oid`;
  const [first] = await sleepers(asleepIn("default"));
  const rare = defineJob({ name: "rare", payload: type<null>() });
  const other = createWorker({
    database: queue.url,
    schema: queue.schema,
    handlers: [handle(rare, () => {})],
    pollMs: never,
    leaseMs: never,
    logger: false,
  });
  stops.push(() => other.stop({ graceMs: 0 }));
  await other.start();
  // It counts on the first one for its wake-ups, once it has asked to sleep.
  await until(
    async () => (await queue.query(`${rested} and id > (select min(id) from pillion.worker)`)).length > 0,
  );
  expect(await sleepers(asleepIn("default"))).toEqual([first]);
  await until(async () => {
    // Commits for others, which the other worker does not hear of.
    for (let call = 0; call < 5; call++)
      await queue.query("select pg_notify('pillion_' || 'pillion.job'::regclass::oid, 'mail')");
    const [now] = await sleepers(asleepIn("default"));
    return now !== undefined && now !== first;
  });
  await queue.reaches(await queue.add("woken"), "completed");
  await queue.reaches(await queue.add("rare"), "completed");
});

test.each(["has no slot left", "stops"])(
  "a worker that %s tells others, who counted on its sleep",
  async (how) => {
    const slow = defineJob({ name: "slow", payload: type<null>() });
    const running = handle(
      slow,
      ({ signal }) => new Promise<void>((end) => signal.addEventListener("abort", () => end())),
    );
    const worker = await sleepingWorker({ handlers: [running], concurrency: 1, leaseMs: never });
    const listener = await queue.pool.connect();
    const heard: string[] = [];
    listener.on("notification", ({ payload }) => void heard.push(payload!));
    const [{ channel }] = (await queue.query(
      "select 'pillion_' || 'pillion.job'::regclass::oid as channel",
    )) as [Record<string, never>];
    await listener.query(`listen "${channel}"`);
    // Another one lives, as the first hears at its next beat.
    await queue.query(
      "insert into pillion.worker overriding system value select (jsonb_populate_record(w, '{\"id\": 1000000}')).* from pillion.worker w",
    );
    const told = beat();
    await queue.query("select pg_notify($1, id::text) from pillion.worker", [`${channel}_beat`]);
    await told;
    if (how === "stops") await worker.stop();
    else await queue.add("slow");
    // Its commit calls the worker; the worker calls the others.
    const calls = how === "stops" ? 1 : 2;
    await until(() => heard.length >= calls);
    expect(heard).toEqual(new Array(calls).fill("default"));
    await listener.query("unlisten *");
    listener.release();
  },
);

test("a commit wakes a worker for a job that has a partition key, and for one of a queue with limits", async () => {
  await queue.admin.setQueue("narrow", { concurrency: 1 });
  // Nor does a beat come by itself.
  await sleepingWorker({ queues: ["default", "narrow"], concurrency: 1, leaseMs: never });
  for (let round = 0; round < 3; round++) {
    await queue.reaches(await queue.add("woken", null, { partitionKey: "tenant" }), "completed");
    await queue.reaches(await queue.add("woken", null, { queue: "narrow" }), "completed");
    await queue.reaches(await queue.add("woken"), "completed");
  }
});

test("a commit of several jobs, with keys and without, has all of them run once keys are known", async () => {
  await sleepingWorker({ concurrency: 1, leaseMs: never });
  await queue.reaches(await queue.add("woken", null, { partitionKey: "tenant" }), "completed");
  const [{ ids }] = (await queue.query(`
    select array_agg(e.id::text) as ids from (values ('{}'::jsonb), ('{"partitionKey": "tenant"}'), ('{}')) o(options)
    cross join lateral pillion.enqueue('woken', 'null', o.options) e`)) as unknown as [{ ids: string[] }];
  for (const id of ids) await queue.reaches(id, "completed");
});

test("a worker that is stopped while the claim is under way which a commit began hands back what it brings", async () => {
  const worker = await sleepingWorker();
  const client = await queue.pool.connect();
  await client.query(`begin; lock table ${queue.schema}.batch in share mode`);
  const id = await queue.add("woken");
  await until(
    async () =>
      (await queue.query("select from pg_locks where relation = 'pillion.batch'::regclass and not granted"))
        .length > 0,
  );
  const stopped = worker.stop({ graceMs: 0 });
  await client.query("commit");
  client.release();
  await stopped;
  expect(await queue.admin.job(id)).toMatchObject({ state: "ready", attempt: 0 });
});

test("a worker that had to be made known anew while it slept claims as the one it is now", async () => {
  const worker = await sleepingWorker({ pollMs: 20 });
  const known = async () =>
    (await queue.query("select id::text from pillion.worker where stopped_at is null"))[0];
  const before = await known();
  await queue.query("delete from pillion.worker");
  await until(async () => (await known()) !== undefined);
  const id = await queue.add("woken");
  await queue.reaches(id, "completed");
  const now = await known();
  expect(now).not.toEqual(before);
  expect(await queue.query("select worker::text as id from pillion.archive where id = $1", [id])).toEqual([
    now,
  ]);
  await worker.stop();
});

/** Commits one job after another, as fast as the server can, until it is told to end. */
function stream(name: string) {
  let ended = false;
  const adding = (async () => {
    while (!ended)
      await queue.query(`do $$ begin
        for i in 1..20 loop
          perform pillion.enqueue_one('default', '${name}', 'null', '{"guarded": false}');
          commit;
        end loop;
      end $$`);
  })();
  return {
    async end() {
      ended = true;
      await adding;
    },
  };
}
