import { defineJob, type } from "@pillion/core";
import { createWorker, handle } from "@pillion/core/worker";
import { afterEach, beforeEach, expect, test } from "vitest";
import { postgresEngine } from "../../src/postgres/engine.ts";
import { readStep } from "../../src/postgres/step.ts";
import { readTick } from "../../src/postgres/tick.ts";
import type { StatementOf } from "../../src/statement.ts";
import { listeningLogger, type TestQueue, testQueue, until } from "./queue.ts";

let queue: TestQueue;
beforeEach(async () => {
  queue = await testQueue();
});
afterEach(() => queue.drop());

const packed = defineJob({ name: "packed", payload: type<number>() });

async function run<Input>(statement: StatementOf<Input>, input: Input) {
  const { text, values } = statement(input);
  return (await queue.pool.query({ text, values: [...values] })).rows;
}

/** A worker that is driven by hand. */
async function register(): Promise<string> {
  const [{ id }] = await run(postgresEngine(queue.schema).register, {
    label: "by hand",
    queues: ["default"],
    names: [packed.name],
    concurrency: 1,
    leaseMs: 60_000,
  });
  return id;
}

const types = [{ name: packed.name, version: 1 }];

async function take(worker: string): Promise<{ readonly id: string; readonly claim: string }> {
  const lanes = [{ queue: "default", priority: 0, bound: 0 }];
  const input = { worker, completions: [], lanes, types, most: 1, free: 1 };
  const answer = readStep(await run(postgresEngine(queue.schema).step, input), input);
  return { id: answer.jobs[0]!.id, claim: answer.claim! };
}

const beat = async (worker: string) =>
  readTick(
    await run(postgresEngine(queue.schema).tick, {
      worker,
      since: "0",
      asleep: [],
      lanes: [],
      types,
      most: 100,
    }),
  );

const fallSilent = (worker: string) =>
  queue.query("update pillion.worker set heartbeat_at = heartbeat_at - interval '1 hour' where id = $1", [
    worker,
  ]);

test("a worker whose claim somebody has begun to take, completes the jobs that nobody has yet, once", async () => {
  const logger = listeningLogger();
  let runs = 0;
  let go!: () => void;
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const { url: database, schema } = queue;
  const handlers = [
    handle(packed, () => {
      runs++;
      return gate;
    }),
  ];
  const worker = createWorker({ database, schema, handlers, logger, pollMs: 50 });
  await worker.start();
  const id = await queue.add("packed", 1);
  await until(() => runs === 1);
  // What a rescue does with more claims than it has room for jobs.
  await queue.query("select pillion.unpack(array(select claim from pillion.batch), null)");
  expect(await queue.query("select id::text, state from pillion.job")).toEqual([{ id, state: "running" }]);
  go();
  await queue.reaches(id, "completed");
  await worker.stop();
  expect({ runs, lines: logger.lines }).toEqual({ runs: 1, lines: [] });
});

test("claims that somebody has locked keep none of the others from being rescued", async () => {
  const silent = await register();
  const ids: string[] = [];
  for (let index = 0; index < 12; index++) {
    ids.push(await queue.add("packed", index));
    await take(silent);
  }
  await fallSilent(silent);
  const client = await queue.pool.connect();
  await client.query("begin");
  await client.query(`select from ${queue.schema}.batch order by claim limit 11 for update`);
  expect(await run(postgresEngine(queue.schema).rescue, { limit: 100 })).toMatchObject([{ id: ids[11] }]);
  await client.query("rollback");
  client.release();
});

test("a cancellation that commits as its job is taken from a worker that has gone, reaches the job's next run", async () => {
  const [gone, other] = [await register(), await register()];
  const id = await queue.add("packed", 1);
  await take(gone);
  const client = await queue.pool.connect();
  await client.query("begin");
  await client.query(
    `select ${queue.schema}.cancel(jsonb_build_object('ids', jsonb_build_array($1::text)))`,
    [id],
  );
  await fallSilent(gone);
  expect(await run(postgresEngine(queue.schema).rescue, { limit: 100 })).toMatchObject([
    { id, state: "ready" },
  ]);
  await client.query("commit");
  client.release();
  await beat(other);
  const { claim } = await take(other);
  expect((await beat(other)).cancelled).toEqual([`${id}:${claim}`]);
  expect(await queue.query("select from pillion.cancellation")).toEqual([]);
});

test("jobs of one claim whose starts must be written start side by side, and none is handed back", async () => {
  const { url: database, schema } = queue;
  const silent = await register();
  const ids: string[] = [];
  for (let index = 0; index < 40; index++) ids.push(await queue.add("packed", index));
  for (const _ of ids) await take(silent);
  await fallSilent(silent);
  const handlers = [handle(packed, () => {})];
  const worker = createWorker({ database, schema, handlers, logger: listeningLogger(), concurrency: 40 });
  await worker.start();
  for (const id of ids) await queue.reaches(id, "completed");
  await worker.stop();
  expect(
    await queue.query("select outcome, count(*)::int as n from pillion.attempts group by 1 order by 1"),
  ).toEqual([
    { outcome: "completed", n: 40 },
    { outcome: "lost", n: 40 },
  ]);
});

test("jobs of a claim that was committed after its worker had signed off are rescued", async () => {
  const engine = postgresEngine(queue.schema);
  const gone = await register();
  const id = await queue.add(packed.name, 1);
  await run(engine.depart, { worker: gone });
  await take(gone);
  await fallSilent(gone);
  const other = await register();
  expect((await beat(other)).rescued).toEqual([]);
  expect(await run(engine.reopen, { limit: 10 })).toEqual([{ id: gone }]);
  expect((await beat(other)).rescued).toMatchObject([{ id: Number(id), state: "ready" }]);
  expect(await run(engine.reopen, { limit: 10 })).toEqual([]);
});

test("what completes jobs waits until that is on disk, also where it claims others; a claim alone does not", async () => {
  const worker = await register();
  await queue.add("packed", 1);
  const { id, claim } = await take(worker);
  const lanes = [{ queue: "default", priority: 0, bound: 0 }];
  const completion = { id, claim, startedMs: 1, place: { index: 0, size: 1 } };
  const waits = async (completions: readonly (typeof completion)[]) => {
    const { text, values } = postgresEngine(queue.schema).step({
      worker,
      completions,
      lanes,
      types,
      most: 1,
      free: 1,
    });
    const client = await queue.pool.connect();
    try {
      await client.query("begin");
      await client.query({ text, values: [...values] });
      return (await client.query("show synchronous_commit")).rows[0].synchronous_commit;
    } finally {
      await client.query("rollback");
      client.release();
    }
  };
  expect([await waits([]), await waits([completion])]).toEqual(["off", "on"]);
});
