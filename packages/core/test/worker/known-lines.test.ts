import { setTimeout as pause } from "node:timers/promises";
import { type Database, DiscardError, defineJob, type } from "@pillion/core";
import { createClaimer, createWorker, handle } from "@pillion/core/worker";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { type ClaimByKeyInput, type Lines, readClaimByKey } from "../../src/postgres/claim-by-key.ts";
import { postgresEngine } from "../../src/postgres/engine.ts";
import { type KeyLook, KnownLines } from "../../src/worker/crew/known-lines.ts";
import { Signal } from "../../src/worker/signal.ts";
import { type TestQueue, testQueue, until } from "./queue.ts";
import { workshop } from "./workers.ts";

const plain = defineJob({ name: "plain", payload: type<null>() });

/** Jobs, [key, priority], whose positions are 1, 2, …; and claims of them by one worker. */
async function waiting(jobs: readonly (readonly [key: string | null, priority: number])[]) {
  const queue = await testQueue();
  onTestFinished(() => queue.drop());
  await queue.query("alter sequence pillion.position restart with 1");
  for (const [partitionKey, priority] of jobs)
    await queue.add("plain", null, partitionKey === null ? { priority } : { partitionKey, priority });
  const [worker] = await queue.query(
    `insert into pillion.worker (label, queues, names, concurrency, lease_ms, started_at, heartbeat_at)
      values ('w', '{default}', '{plain}', 1, 60000, now(), now()) returning id::text`,
  );
  const claim = async (lines: Lines | undefined, more: Partial<ClaimByKeyInput> = {}) => {
    const input: ClaimByKeyInput = {
      worker: worker!.id!,
      queue: "default",
      after: "",
      types: [{ name: "plain", version: 1 }],
      most: 10,
      slots: undefined,
      lanes: [{ queue: "default", priority: 0, bound: 0 }],
      lines,
      ...more,
    };
    const { text, values } = postgresEngine(queue.schema).claimByKey(input);
    const answer = readClaimByKey((await queue.pool.query(text, [...values])).rows, input);
    return { ...answer, positions: answer.jobs.map(({ position }) => position).sort((a, b) => a - b) };
  };
  return { queue, claim };
}

const placesOf = (lines: Lines | null | undefined) =>
  lines && Object.fromEntries(lines.map(([key, ...place]) => [key, place]));

test("a claim goes on from the places that it is given, and tells where the next one may", async () => {
  const { queue, claim } = await waiting([
    ["a", 0], // 1
    ["a", 0], // 2
    ["a", 2], // 3
    ["b", 0], // 4
    ["b", 0], // 5
    ["c", 0], // 6
  ]);
  const lines: Lines = [
    ["a", true, { 0: 2, 2: 1 }, 7],
    ["b", true, { 0: 4 }, 7],
    ["drained", false, { 0: 4 }, 7],
  ];
  const first = await claim(lines, { most: 4 });
  // Two of each key, since the one that has had none lately does not count: not what lies behind, nor another key.
  expect(first.positions).toEqual([2, 3, 4, 5]);
  expect(placesOf(first.lines)).toEqual({
    a: [true, { 0: 3, 2: 4 }, 7],
    b: [true, { 0: 6 }, 7],
    drained: [false, { 0: 4 }, 7],
  });
  await queue.add("plain", null, { partitionKey: "drained" });
  await queue.add("plain", null, { partitionKey: "b", priority: 1 });
  const second = await claim(first.lines!);
  // Also what has a priority that its key had not.
  expect(second.positions).toEqual([7, 8]);
  expect(placesOf(second.lines)).toEqual({
    a: [false, { 0: 3, 2: 4 }, 7],
    b: [true, { 0: 6, 1: 9 }, 7],
    drained: [true, { 0: 8 }, 7],
  });
  const anew = await claim(undefined);
  expect(anew.positions).toEqual([1, 6]);
  // It stepped over little that has ended, so the next look is from the beginning too.
  expect(anew.lines).toBeNull();
});

test("of a key, what has the highest priority is claimed first, from known places too", async () => {
  const { claim } = await waiting([
    ["a", 0],
    ["a", 2],
    ["a", -4],
    ["a", 4],
    ["a", 2],
  ]);
  const order: number[] = [];
  let lines: Lines = [["a", true, { 0: 1, 2: 2 }, 1]];
  for (let turn = 0; turn < 5; turn++) {
    const answer = await claim(lines, { most: 1 });
    order.push(...answer.positions);
    lines = answer.lines!;
  }
  expect(order).toEqual([4, 2, 5, 1, 3]);
});

test("of the keys whose places are known, too, each claim goes on behind the one that had the last job, in a circle", async () => {
  const { claim } = await waiting([
    ["a", 0],
    ["b", 0],
    ["c", 0],
    [null, 0],
    ["a", 0],
  ]);
  let lines: Lines = ["a", "b", "c"].map((key) => [key, true, {}, 1]);
  let after = "a";
  const order: number[] = [];
  for (let turn = 0; turn < 4; turn++) {
    const answer = await claim(lines, { after, most: 1 });
    order.push(...answer.positions);
    after = answer.after;
    lines = answer.lines!;
  }
  expect(order).toEqual([2, 3, 1, 5]);
});

test("limits hold for what is claimed from known places: of the queue, of a key, and with jobs that have no key", async () => {
  const { queue, claim } = await waiting([
    ["a", 0],
    ["a", 0],
    ["a", 0],
    ["b", 0],
    [null, 0],
    [null, 0],
  ]);
  await queue.admin.setQueue("default", { concurrency: 5, keyConcurrency: 1 });
  const lines: Lines = ["a", "b"].map((key) => [key, true, {}, 1]);
  const first = await claim(lines);
  expect(first.positions).toEqual([1, 4, 5, 6]);
  // A key without a free slot keeps its place.
  const second = await claim(first.lines!);
  expect(second.positions).toEqual([]);
  expect(placesOf(second.lines)).toEqual(placesOf(first.lines));
  await queue.admin.setQueue("default", { keyConcurrency: 2 });
  expect((await claim(second.lines!)).positions).toEqual([2]);
  // Nothing was looked at: the places hold.
  expect((await claim(second.lines!)).lines).toBeUndefined();
  await queue.admin.setQueue("default", { concurrency: null });
  await queue.admin.pause("default");
  expect((await claim(second.lines!)).lines).toBeUndefined();
});

test("a rate of a key has its claims wait where jobs of it do, and not where the last claim found none", async () => {
  const { queue, claim } = await waiting([
    ["a", 0],
    ["a", 0],
  ]);
  await queue.admin.setQueue("default", { keyRate: { limit: 1, perMs: 60_000 } });
  const first = await claim([["a", true, {}, 1]]);
  expect(first.positions).toEqual([1]);
  const second = await claim(first.lines!);
  expect(second.positions).toEqual([]);
  expect(second.waitMs).toBeGreaterThan(0);
  expect(await claim([["a", false, {}, 1]])).toMatchObject({ jobs: [], waitMs: null });
});

test("in strict order a claim looks from the beginning of each key, whatever places it is given", async () => {
  const { queue, claim } = await waiting([
    ["a", 0],
    ["a", 0],
  ]);
  await queue.admin.setQueue("default", { fifo: true });
  const answer = await claim([["a", true, { 0: 2 }, 3]]);
  expect(answer.positions).toEqual([1]);
  expect(answer.lines).toBeNull();
});

/** Jobs of this key have ended in such numbers that to step over them is much, since a snapshot keeps them. */
async function crowdOfEnded(queue: TestQueue, key: string): Promise<void> {
  await queue.query(
    "insert into pillion.job (name, payload, partition_key) select 'plain', 'null', $1 from generate_series(1, 10000)",
    [key],
  );
  const report = await queue.pool.connect();
  onTestFinished(() => report.release(true));
  await report.query("begin isolation level repeatable read; select from pg_class");
  await queue.query("delete from pillion.job");
}

test("a look from the beginning that steps over much tells where each key stands, also one that has no slot left", async () => {
  const { queue, claim } = await waiting([]);
  await queue.admin.setQueue("default", { keyConcurrency: 1 });
  await crowdOfEnded(queue, "a");
  const empty = await claim(undefined);
  expect(empty).toMatchObject({ jobs: [], whole: true, lines: [] });
  expect(await claim(empty.lines!)).toMatchObject({ jobs: [], whole: true, lines: [] });
  await queue.query("alter sequence pillion.position restart with 20001");
  for (const priority of [0, 0, 3, -1]) await queue.add("plain", null, { partitionKey: "a", priority });
  await queue.add("plain", null, { partitionKey: "b" });
  const first = await claim(undefined);
  expect(first.positions).toEqual([20_003, 20_005]);
  // What has the highest priority hides what has ended.
  expect(first.lines).toBeNull();
  const second = await claim(undefined);
  expect(second.positions).toEqual([]);
  expect(placesOf(second.lines)).toEqual({ a: [true, { 0: 20_001, "-1": 20_004 }, 20_005] });
  await queue.admin.setQueue("default", { keyConcurrency: 2 });
  const third = await claim(undefined);
  expect(third.positions).toEqual([20_001]);
  expect(placesOf(third.lines)).toEqual({ a: [true, { 0: 20_002, "-1": 20_004 }, 20_005] });
});

test("of two claims at once, one looks from the beginning; the other goes by what is known, and is woken when that has been answered", async () => {
  const wake = new Signal();
  const known = new KnownLines(wake);
  const told = (...keys: string[]) => ({
    jobs: [],
    lines: keys.map((key): Lines[number] => [key, true, {}, 1]),
  });
  const keysOf = ({ lines }: KeyLook) => lines?.map(([key]) => key);
  const first = known.look(0);
  expect(keysOf(first)).toBeUndefined();
  known.learn(first, 0, told("a"), 10_000);
  // It took ten seconds, so the next one comes after the longest rest.
  const last = known.look(10_999);
  expect(keysOf(last)).toEqual(["a"]);
  const anew = known.look(11_000);
  expect(keysOf(anew)).toBeUndefined();
  const beside = known.look(11_001);
  expect(keysOf(beside)).toEqual(["a"]);
  known.learn(beside, 11_001, told("a"), 11_002);
  expect(await wake.wait(0)).toBe(false);
  known.learn(anew, 11_000, told("a", "b"), 21_000);
  expect(await wake.wait(0)).toBe(true);
  // What was sent before that look knows less.
  known.learn(last, 10_999, told("a"), 21_001);
  expect(keysOf(known.look(21_002))).toEqual(["a", "b"]);
  // One that fails keeps nobody from the next.
  const failing = known.look(22_000);
  expect(keysOf(failing)).toBeUndefined();
  known.learn(failing, 22_000, undefined, 22_001);
  expect(keysOf(known.look(22_002))).toBeUndefined();
});

test("a job of a key that no claim knows yet is found soon, though claims go on from known places", async () => {
  const { queue, work } = await workshop();
  await crowdOfEnded(queue, "crowded");
  const never = 3_600_000;
  await work([handle(plain, () => {})], { pollMs: never, leaseMs: never });
  await queue.reaches(await queue.add("plain", null, { partitionKey: "crowded" }), "completed");
  for (let round = 0; round < 20; round++) {
    await queue.add("plain", null, { partitionKey: "crowded" });
    // At another moment of the look for it each time.
    await pause(round);
    await queue.reaches(await queue.add("plain", null, { partitionKey: `new ${round}` }), "completed");
  }
});

test.each([
  ["crowded", "completes"],
  [undefined, "completes"],
  [undefined, "fails"],
])(
  "runOnce runs what its own jobs enqueue of other keys: the first has the key %s, and each %s",
  async (first, how) => {
    const { queue } = await workshop();
    await crowdOfEnded(queue, "crowded");
    await queue.add("plain", null, first === undefined ? {} : { partitionKey: first });
    let ran = 0;
    const worker = createWorker({
      database: queue.url,
      schema: queue.schema,
      handlers: [
        handle(plain, async () => {
          if (++ran < 5) await queue.add("plain", null, { partitionKey: `of ${ran}` });
          if (how === "fails") throw new DiscardError("as told");
        }),
      ],
      logger: false,
    });
    const failed = how === "fails" ? 5 : 0;
    expect(await worker.runOnce({})).toEqual({ ran: 5, failed, more: false });
    expect(await queue.query("select from pillion.job")).toEqual([]);
  },
);

test("a claimer answers with none only where none is ready, though claims go on from known places", async () => {
  const { queue } = await workshop();
  await crowdOfEnded(queue, "crowded");
  const add = (partitionKey: string) => queue.add("plain", null, { partitionKey });
  await add("crowded");
  const claimer = createClaimer({ database: queue.url, schema: queue.schema, jobTypes: [plain] });
  onTestFinished(() => claimer.stop());
  for (let round = 0; round < 5; round++) {
    const jobs = await claimer.claim();
    expect(jobs).toHaveLength(1);
    await add(`of ${round}`);
    await claimer.complete(jobs[0]!);
  }
});

test("a claimer that finds another one at a queue with limits looks again before it answers with none", async () => {
  const { queue } = await workshop();
  await queue.admin.setQueue("default", { concurrency: 5 });
  await queue.add("plain", null);
  const client = await queue.pool.connect();
  onTestFinished(() => client.release());
  await client.query("begin");
  await client.query(
    `select pg_advisory_xact_lock('${queue.schema}.queue'::regclass::oid::int4, hashtext('default'))`,
  );
  const pool = new pg.Pool({ connectionString: queue.url });
  onTestFinished(() => pool.end());
  const sent: string[] = [];
  const database: Database = {
    name: "watched pool",
    run: async ({ text, values }) => {
      const { rows } = await pool.query(text, [...values]);
      sent.push(text);
      return rows;
    },
  };
  const claimer = createClaimer({ database, schema: queue.schema, jobTypes: [plain] });
  onTestFinished(() => claimer.stop());
  const claimed = claimer.claim();
  await until(() => sent.some((text) => text.includes("claim_by_key")));
  await client.query("commit");
  expect(await claimed).toHaveLength(1);
});
