import { defineJob, type } from "@pillion/core";
import { createWorker, handle } from "@pillion/core/worker";
import { startPostgres } from "@pillion/dev-postgres";
import type pg from "pg";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type OwnQueue, ownQueue } from "./own-queue.ts";

// Where nothing can be prepared, as Postgres has it by default, an enqueue calls a worker that sleeps by itself.
let server: Awaited<ReturnType<typeof startPostgres>>;
let queue: OwnQueue;
let channel: string;
let business: string;
beforeAll(async () => {
  server = await startPostgres({ durable: false });
  queue = await ownQueue("called", server.url);
  channel = (await queue.query("select 'pillion_' || 'pillion.job'::regclass::oid as channel"))[0]!.channel!;
  business = `${queue.schema}.business`;
  await queue.query(`create table ${business} (note text)`);
});
afterAll(async () => {
  await queue.drop();
  await server.stop();
});

const job = defineJob({ name: "called", payload: type<null>() });

/** A transaction that has written before. */
async function writing(): Promise<pg.Client> {
  const tx = await queue.begin();
  await tx.query(`insert into ${business} values ('before')`);
  return tx;
}

/** Says, as a worker does, that it sleeps; false where it may not. */
async function sleepOn(client: pg.Client): Promise<unknown> {
  const lock =
    "select pg_try_advisory_lock('pillion.job'::regclass::oid::int4, hashtext('default')) as locked";
  const [row] = await queue.query(lock, [], client);
  return row!.locked;
}

async function sleeper(): Promise<pg.Client> {
  const client = await queue.connect();
  expect(await sleepOn(client)).toBe(true);
  return client;
}

/** What is heard until a word of one's own is. */
async function listener() {
  const client = await queue.connect();
  await client.query(`listen "${channel}"`);
  const heard: string[] = [];
  client.on("notification", ({ payload }) => heard.push(payload!));
  return async () => {
    await queue.query("select pg_notify($1, 'end')", [channel]);
    while (heard.at(-1) !== "end") await client.query("select 1");
    return heard.splice(0).slice(0, -1);
  };
}

const guards = async (client: pg.ClientBase) =>
  (await queue.query("select guard::text from pillion.job order by id", [], client)).map(
    ({ guard }) => guard,
  );
const clear = () =>
  onTestFinished(async () => {
    await queue.query("delete from pillion.job");
  });

test("an enqueue in a transaction that has written calls the sleeper, who hears of it at COMMIT, and leaves no guard", async () => {
  clear();
  await sleeper();
  const heard = await listener();
  const tx = await writing();
  await queue.verbs.enqueue(tx, job(null));
  await queue.verbs.enqueue(tx, job(null, { priority: 1 }));
  expect(await guards(tx)).toEqual([null, null]);
  expect(await heard()).toEqual([]);
  await tx.query("commit");
  expect(await heard()).toEqual(["default"]);
});

test("what was rolled back, whole or to a savepoint, calls nobody", async () => {
  clear();
  await sleeper();
  const heard = await listener();
  const tx = await writing();
  await tx.query("savepoint one");
  await queue.verbs.enqueue(tx, job(null));
  await tx.query("rollback to savepoint one");
  await tx.query("commit");
  const second = await writing();
  await queue.verbs.enqueue(second, job(null));
  await second.query("rollback");
  expect(await heard()).toEqual([]);
  expect(await queue.names()).toEqual([]);
});

test("where nobody sleeps yet, it leaves no guard either, and nobody can fall asleep before it ends", async () => {
  clear();
  const tx = await writing();
  await queue.verbs.enqueue(tx, job(null));
  await queue.verbs.enqueue(tx, job(null, { priority: 1 }));
  expect(await guards(tx)).toEqual([null, null]);
  const client = await queue.connect();
  expect(await sleepOn(client)).toBe(false);
  await tx.query("commit");
  expect(await sleepOn(client)).toBe(true);
});

test.each(["rollback", "rollback to savepoint one"])(
  "nor does it keep anybody awake after %s",
  async (end) => {
    const tx = await writing();
    await tx.query("savepoint one");
    await queue.verbs.enqueue(tx, job(null));
    await tx.query(end);
    await sleeper();
    expect(await queue.names()).toEqual([]);
  },
);

test("a transaction that has not written is guarded, and calls at COMMIT; its second enqueue calls at once", async () => {
  clear();
  await sleeper();
  const heard = await listener();
  const tx = await queue.begin();
  await queue.verbs.enqueue(tx, job(null));
  await queue.verbs.enqueue(tx, job(null));
  expect((await guards(tx)).map((guard) => guard === null)).toEqual([false, true]);
  await tx.query("commit");
  expect(await heard()).toEqual(["default"]);
});

test("in autocommit the database refuses it all the same, and calls nobody", async () => {
  await sleeper();
  const heard = await listener();
  const client = await queue.connect();
  await expect(queue.verbs.enqueue(client, job(null))).rejects.toMatchObject({ code: "25P01" });
  await expect(queue.verbs.enqueue(client, job(null, { priority: 1 }))).rejects.toMatchObject({
    code: "25P01",
  });
  expect(await heard()).toEqual([]);
  expect(await queue.names()).toEqual([]);
});

test("a job that commits by itself calls the sleeper; one that is scheduled calls nobody", async () => {
  clear();
  await sleeper();
  const heard = await listener();
  await queue.verbs.enqueueStandalone(queue.pool, job(null));
  expect(await heard()).toEqual(["default"]);
  const tx = await writing();
  await queue.verbs.enqueue(tx, job(null, { delayMs: 60_000 }));
  await tx.query("commit");
  await queue.verbs.enqueueStandalone(queue.pool, job(null, { delayMs: 60_000 }));
  expect(await heard()).toEqual([]);
});

test.each(["sleeps", "is awake"])(
  "once a transaction has written it is accepted in each form, where a worker %s",
  async (how) => {
    clear();
    if (how === "sleeps") await sleeper();
    // One simple message, and a guard that would fire at once.
    const client = await queue.connect();
    const enqueue = "select pillion.enqueue_one('default', 'called', 'null', null)";
    await queue.query(`begin; insert into ${business} values ('one'); ${enqueue}; commit`, undefined, client);
    const tx = await writing();
    await tx.query("set constraints all immediate");
    await queue.verbs.enqueue(tx, job(null));
    await tx.query("commit");
    expect(await queue.names()).toEqual(["called", "called"]);
  },
);

test("a job that is pinned to another transaction calls nobody, and does not exist", async () => {
  await sleeper();
  const heard = await listener();
  const tx = await writing();
  const pinned = "select pillion.enqueue_one('default', 'called', 'null', '{\"pin\":\"1\"}') as answer";
  expect(await queue.query(pinned, undefined, tx)).toEqual([{ answer: null }]);
  await tx.query("commit");
  expect(await heard()).toEqual([]);
  expect(await queue.names()).toEqual([]);
});

test("a role that may only enqueue calls the sleeper too", async () => {
  clear();
  await sleeper();
  const heard = await listener();
  const role = `${queue.schema}_enqueuer`;
  await queue.query(`create role "${role}"`);
  onTestFinished(async () => {
    await queue.query(`drop owned by "${role}"; drop role "${role}"`);
  });
  await queue.query("select pillion.allow($1, 'enqueuer')", [role]);
  const tx = await writing();
  await tx.query(`set local role "${role}"`);
  await queue.verbs.enqueue(tx, job(null));
  await tx.query("commit");
  expect(await heard()).toEqual(["default"]);
});

test("a worker that sleeps runs jobs of transactions that wrote before, and of those that did not", async () => {
  clear();
  const ran: string[] = [];
  // Longer than the test may take: what runs was not found by a poll.
  const never = 3_600_000;
  const worker = createWorker({
    database: server.url,
    schema: queue.schema,
    handlers: [handle(job, ({ id }) => void ran.push(id))],
    pollMs: never,
    leaseMs: never,
    logger: false,
  });
  onTestFinished(() => worker.stop({ graceMs: 0 }));
  await worker.start();
  for (let round = 0; round < 20; round++) {
    const free = async () =>
      (
        await queue.query(
          "select from pg_locks where locktype = 'advisory' and mode = 'ExclusiveLock' and classid = 'pillion.job'::regclass",
        )
      ).length === 0;
    while (await free());
    const tx = round % 2 === 0 ? await writing() : await queue.begin();
    const { id } = await queue.verbs.enqueue(tx, job(null));
    await tx.query("commit");
    while (!ran.includes(id)) await queue.query("select 1");
  }
  expect(ran).toHaveLength(20);
});
