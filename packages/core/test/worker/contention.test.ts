import { defineJob, type } from "@pillion/core";
import { createWorker, type Handler, handle, type WorkerOptions } from "@pillion/core/worker";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { postgresEngine } from "../../src/postgres/engine.ts";
import { type Completion, readStep } from "../../src/postgres/step.ts";
import type { StatementOf } from "../../src/statement.ts";
import { listeningLogger, type TestQueue, testQueue, until } from "./queue.ts";

let queue: TestQueue;
const stops: (() => Promise<void>)[] = [];
beforeEach(async () => {
  queue = await testQueue();
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await queue.drop();
});

async function work(handlers: Handler[], options: Partial<WorkerOptions> = {}) {
  const logger = listeningLogger();
  const { schema, url } = queue;
  const worker = createWorker({ database: url, schema, handlers, logger, pollMs: 50, ...options });
  stops.push(() => worker.stop({ graceMs: 0 }));
  await worker.start();
  return { worker, logger };
}

async function run<Input>(statement: StatementOf<Input>, input: Input) {
  const { text, values } = statement(input);
  return (await queue.pool.query({ text, values: [...values] })).rows;
}

const counted = defineJob({ name: "counted", payload: type<number>() });

test("no job runs twice among four workers that take them side by side", async () => {
  await queue.query("select pillion.enqueue('counted', to_jsonb(i)) from generate_series(1, 2000) i");
  const runs = new Map<number, number>();
  for (let index = 0; index < 4; index++)
    await work([handle(counted, ({ payload }) => void runs.set(payload, (runs.get(payload) ?? 0) + 1))]);
  await until(
    async () => (await queue.query("select count(*)::int as n from pillion.archive"))[0]!.n === 2000,
  );
  expect(runs.size).toBe(2000);
  expect([...runs.values()].every((times) => times === 1)).toBe(true);
  expect(await queue.query("select distinct attempt, state from pillion.archive")).toEqual([
    { attempt: 1, state: "completed" },
  ]);
});

const registered = {
  label: "test",
  queues: ["default"],
  names: ["counted"],
  concurrency: 1,
  leaseMs: 60_000,
};

/** One step of a worker that is driven by hand. */
async function take(worker: string, completions: readonly Completion[] = [], most = 1) {
  const lanes = [{ queue: "default", priority: 0, bound: 0 }];
  const input = { worker, completions, lanes, types: [{ name: "counted", version: 1 }], most, free: most };
  const answer = readStep(await run(postgresEngine(queue.schema).step, input), input);
  const [job] = answer.jobs;
  return { ...answer, id: job?.id, claim: answer.claim!, place: job?.place };
}

test("what a worker writes after another has taken the job changes nothing, whatever it writes", async () => {
  const engine = postgresEngine(queue.schema);
  const [{ id: first }] = await run(engine.register, registered);
  const [{ id: second }] = await run(engine.register, registered);
  const id = await queue.add("counted", 1);
  const old = await take(first);
  expect(old.id).toBe(id);
  await queue.query(
    "update pillion.worker set heartbeat_at = heartbeat_at - interval '1 hour' where id = $1",
    [first],
  );
  expect(await run(engine.rescue, { limit: 10 })).toMatchObject([{ id, state: "ready" }]);
  const current = await take(second);
  expect(current.id).toBe(id);
  expect(current.claim).not.toBe(old.claim);
  const before = await queue.query("select * from pillion.live");

  const late = { id, claim: old.claim };
  const error = { name: "Error", message: "late" };
  const completion = { ...late, startedMs: 0, result: 1 };
  expect(await take(first, [completion], 0)).toMatchObject({ lost: [id], busy: [] });
  expect(await take(first, [{ ...completion, place: old.place }], 0)).toMatchObject({
    lostBatches: [old.claim],
    busyBatches: [],
  });
  expect(await run(engine.unpack, { claims: [old.claim], ids: [id] })).toEqual([{ busy: "[]" }]);
  for (const answer of [
    await run(engine.retry, { settlements: [{ ...late, delayMs: 0, error }] }),
    await run(engine.retry, { settlements: [{ ...late, delayMs: 0, error: null }] }),
    await run(engine.discard, { settlements: [{ ...late, state: "dead", error }] }),
    await run(engine.markStarted, { settlements: [late] }),
    await run(engine.release, { settlements: [late] }),
  ])
    expect(answer).toEqual([{ ...late, status: "lost" }]);
  expect(await queue.query("select * from pillion.live")).toEqual(before);
  expect(await queue.query("select * from pillion.archive")).toEqual([]);

  const both = [{ ...late, place: old.place }, current].map(({ claim, place }) => ({
    id,
    claim,
    place,
    startedMs: 0,
  }));
  await take(second, both, 0);
  expect(await queue.query("select id::text, claim from pillion.live")).toEqual([]);
  expect((await queue.admin.job(id))!.state).toBe("completed");
});

test("a worker that was late, but whose job nobody has taken, completes it", async () => {
  const engine = postgresEngine(queue.schema);
  const [{ id: worker }] = await run(engine.register, registered);
  const id = await queue.add("counted", 1);
  const { claim, place } = await take(worker);
  await queue.query("update pillion.worker set heartbeat_at = heartbeat_at - interval '1 hour'");
  expect(await take(worker, [{ id, claim, place, startedMs: 0 }], 0)).toMatchObject({
    busyBatches: [],
    lostBatches: [],
  });
  expect((await queue.admin.job(id))!.state).toBe("completed");
});

test("a job that a transaction has locked is waited for by nobody: the others complete, it follows later", async () => {
  const ids: string[] = [];
  for (let index = 0; index < 20; index++)
    ids.push(await queue.add("counted", index, { uniqueKey: `${index}` }));
  let started = 0;
  let go!: () => void;
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  await work(
    [
      handle(counted, () => {
        started++;
        return gate;
      }),
    ],
    { concurrency: 20 },
  );
  await until(() => started === 20);
  const client = await queue.pool.connect();
  await client.query("begin");
  await client.query(`select from ${queue.schema}.job where id = $1 for update`, [ids[7]]);
  go();
  await until(async () => (await queue.query("select count(*)::int as n from pillion.archive"))[0]!.n === 19);
  expect((await queue.admin.job(ids[7]!))!.state).toBe("running");
  await client.query("rollback");
  client.release();
  await queue.reaches(ids[7]!, "completed");
});

test("a claim that a transaction has locked is waited for by nobody: other claims end, it follows later", async () => {
  const ids: string[] = [];
  for (let index = 0; index < 10; index++) ids.push(await queue.add("counted", index, { maxAttempts: 1 }));
  let started = 0;
  let go!: () => void;
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const { worker } = await work(
    [
      handle(counted, async ({ payload }) => {
        started++;
        if (payload < 10) await gate;
        if (payload === 3) throw new Error("not this one");
      }),
    ],
    { concurrency: 20 },
  );
  await until(() => started === 10);
  const client = await queue.pool.connect();
  await client.query("begin");
  expect((await client.query(`select from ${queue.schema}.batch for update`)).rowCount).toBe(1);
  go();
  const later = await queue.add("counted", 10);
  await queue.reaches(later, "completed");
  expect(await queue.query("select id::text from pillion.archive")).toEqual([{ id: later }]);
  const stopped = worker.stop();
  await client.query("rollback");
  client.release();
  await stopped;
  for (const [index, id] of ids.entries())
    expect((await queue.admin.job(id))!.state).toBe(index === 3 ? "dead" : "completed");
});

test("a worker works under hostile defaults of its role", async () => {
  const url = new URL(queue.url);
  url.searchParams.set(
    "options",
    "-c default_transaction_isolation=serializable -c lock_timeout=50 -c TimeZone=Pacific/Chatham -c DateStyle=SQL,DMY -c search_path=pg_temp",
  );
  url.search = url.search.replaceAll("+", "%20");
  await queue.query("select pillion.enqueue('counted', to_jsonb(i)) from generate_series(1, 300) i");
  const later = await queue.add("counted", 0, { delayMs: 100 });
  const logs = [];
  for (let index = 0; index < 3; index++)
    logs.push((await work([handle(counted, () => {})], { database: url.href })).logger);
  await queue.reaches(later, "completed");
  await until(
    async () => (await queue.query("select count(*)::int as n from pillion.archive"))[0]!.n === 301,
  );
  expect(logs.flatMap((log) => log.lines)).toEqual([]);
  const job = (await queue.admin.job(later))!;
  expect(Math.abs(job.createdAt.getTime() - Date.now())).toBeLessThan(60_000);
});

test("a worker outlives the loss of every connection, and nothing is lost", async () => {
  const first = await queue.add("counted", 1);
  const { logger } = await work([handle(counted, () => {})]);
  await queue.reaches(first, "completed");
  const unhandled: unknown[] = [];
  const keep = (error: unknown) => void unhandled.push(error);
  process.on("unhandledRejection", keep);
  onTestFinished(() => void process.removeListener("unhandledRejection", keep));
  for (let round = 0; round < 3; round++) {
    await queue.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'pillion worker%'",
    );
    const id = await queue.add("counted", 2);
    await queue.reaches(id, "completed");
  }
  expect(unhandled).toEqual([]);
  expect(logger.lines.some((line) => line.includes("no connection to listen on"))).toBe(true);
});
