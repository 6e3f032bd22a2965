import { defineJob, type } from "@pillion/core";
import { handle } from "@pillion/core/worker";
import { expect, test } from "vitest";
import { postgresEngine } from "../../src/postgres/engine.ts";
import { until } from "./queue.ts";
import { recordedIntervals, workshop } from "./workers.ts";

const brief = defineJob({ name: "brief", payload: type<unknown>() });
const runBriefly = () => handle(brief, () => new Promise<void>((resolve) => setTimeout(resolve, 2)));
const fill =
  "insert into pillion.job (queue, name, payload, partition_key) select $1, 'brief', 'null', $2 from generate_series(1, $3::int)";

/** How many jobs of each key have run by the time that all of one have. */
async function ranBy(key: string, many: number, { queue, ended }: Awaited<ReturnType<typeof workshop>>) {
  const ofKey = "select from pillion.archive where partition_key = $1";
  await until(async () => (await queue.query(ofKey, [key])).length === many);
  expect(await ended()).toBeGreaterThan(many);
  const rows = await queue.query(
    "select coalesce(partition_key, 'none') as key, count(*)::int as n from pillion.archive group by 1 order by 1",
  );
  return new Map(rows.map(({ key, n }) => [key!, Number(n)]));
}

test.each([1, 2, 5])(
  "keys of a queue without limits take turns, also where %i jobs run at a time and each key has many that wait",
  async (concurrency) => {
    const shop = await workshop();
    for (const key of ["a", "b", "c"]) await shop.queue.query(fill, ["default", key, 1_000]);
    await shop.queue.query(fill, ["default", "z", 20]);
    await shop.work([runBriefly()], { concurrency });
    const ran = await ranBy("z", 20, shop);
    expect([...ran.keys()]).toEqual(["a", "b", "c", "z"]);
    for (const n of ran.values()) expect(n).toBeLessThanOrEqual(40);
  },
);

test.each([1, 5])(
  "keys of a queue with limits, and its jobs without a key, take turns, also where %i jobs run at a time",
  async (concurrency) => {
    const shop = await workshop();
    await shop.queue.admin.setQueue("default", { concurrency: 5, keyConcurrency: 3 });
    for (const key of ["a", "b", null]) await shop.queue.query(fill, ["default", key, 1_000]);
    await shop.queue.query(fill, ["default", "z", 20]);
    await shop.work([runBriefly()], { concurrency });
    const ran = await ranBy("z", 20, shop);
    expect([...ran.keys()]).toEqual(["a", "b", "none", "z"]);
    for (const n of ran.values()) expect(n).toBeLessThanOrEqual(40);
  },
);

test("of more keys than one claim looks at, each gets its turn before any gets a second", async () => {
  const { queue, work, ended } = await workshop();
  await queue.query(
    "insert into pillion.job (queue, name, payload, partition_key) select 'default', 'brief', 'null', 'k' || k from generate_series(1, 450) k, generate_series(1, 3)",
  );
  await work([runBriefly()], { concurrency: 1 });
  await until(async () => (await ended()) >= 450);
  const first = (await recordedIntervals(queue)).slice(0, 450).map(({ key }) => key);
  expect(new Set(first).size).toBe(450);
});

test("a tenant with 12,000 waiting jobs and no limit keeps nobody waiting: another key's job starts within a poll", async () => {
  const { queue, work, ended } = await workshop();
  await queue.query(fill, ["default", "crowded", 12_000]);
  await work([runBriefly()], { concurrency: 1, pollMs: 1_000 });
  await until(async () => (await ended()) > 50);
  const id = await queue.add("brief", null, { partitionKey: "other" });
  await queue.reaches(id, "completed");
  const { createdAt, attempts } = (await queue.admin.job(id))!;
  expect(attempts[0]!.startedAt.getTime() - createdAt.getTime()).toBeLessThan(2_000);
  expect(await ended()).toBeLessThan(12_000);
});

test("among more keys than one claim looks at, all of them without a slot left, the one that may start is found", async () => {
  const { queue, work } = await workshop();
  await queue.admin.setQueue("default", { keyConcurrency: 1 });
  const stuck = defineJob({ name: "stuck", payload: type<unknown>() });
  await queue.query(
    "insert into pillion.job (queue, name, payload, partition_key) select 'default', 'stuck', 'null', 'k' || k from generate_series(1, 450) k, generate_series(1, 2)",
  );
  const endless = handle(
    stuck,
    ({ signal }) => new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve())),
  );
  await work([endless], { concurrency: 500 });
  const running = "select from pillion.live where state = 'running'";
  await until(async () => (await queue.query(running)).length === 450);
  await work([runBriefly()], { concurrency: 1 });
  for (const partitionKey of ["a", "k2x", "z"])
    await queue.reaches(await queue.add("brief", null, { partitionKey }), "completed");
  expect(await queue.query(running)).toHaveLength(450);
});

test("queues whose keys wait take turns, where only one job runs at a time", async () => {
  const { queue, work, ended } = await workshop();
  const queues = ["first", "second", "third"];
  for (const name of queues) await queue.query(fill, [name, "k", 500]);
  await work([runBriefly()], { concurrency: 1, queues });
  await until(async () => (await ended()) >= 60);
  const ran = await queue.query(
    "select queue, count(*)::int as n from pillion.archive group by 1 order by 1",
  );
  expect(ran.map(({ queue }) => queue)).toEqual(queues);
  for (const { n } of ran) expect(Number(n)).toBeLessThan(60);
});

test.each([
  ["jobs without a key", undefined],
  ["jobs of one key", () => "k"],
  ["jobs of many keys", (index: number) => `k${index}`],
])(
  "a claim of %s takes at most 8 MiB of payloads, however many it may take, and the rest follows",
  async (_, key) => {
    const { queue, work, ended } = await workshop();
    const engine = postgresEngine(queue.schema);
    const mebibyte = "x".repeat(1_048_500);
    for (let index = 0; index < 20; index++)
      await queue.add("brief", mebibyte, key ? { partitionKey: key(index) } : {});
    const registered = {
      label: "t",
      queues: ["default"],
      names: ["brief"],
      concurrency: 50,
      leaseMs: 60_000,
    };
    const run = async ({ text, values }: { text: string; values: readonly unknown[] }) =>
      (await queue.pool.query(text, [...values])).rows;
    const [{ id: worker }] = await run(engine.register(registered));
    const types = [{ name: "brief", version: 1 }];
    const lanes = [{ queue: "default", priority: 0, bound: 0 }];
    await run(
      key
        ? engine.claimByKey({
            worker,
            queue: "default",
            after: "",
            types,
            most: 50,
            slots: undefined,
            lanes: [],
            lines: undefined,
          })
        : engine.step({ worker, completions: [], lanes, types, most: 50, free: 50 }),
    );
    const claimed = (await queue.query("select from pillion.live where state = 'running'")).length;
    expect(claimed).toBeGreaterThan(1);
    expect(claimed).toBeLessThanOrEqual(8);
    await queue.query("update pillion.worker set heartbeat_at = now() - interval '1 hour'");
    await work([handle(brief, () => {})]);
    await until(async () => (await ended("completed")) === 20);
  },
);

test("in strict order the job goes first whose enqueue came first, whatever transaction began first; one that was open meanwhile follows", async () => {
  const { queue, work } = await workshop();
  await queue.admin.setQueue("default", { fifo: true });
  const begin = async () => {
    const client = await queue.pool.connect();
    // Its snapshot, its time and its number are older than those of whoever begins later.
    await client.query("begin isolation level repeatable read");
    await client.query("select pg_current_xact_id()");
    return {
      add: (payload: number) =>
        client.query(`select ${queue.schema}.enqueue('brief', to_jsonb($1::int), '{"partitionKey": "k"}')`, [
          payload,
        ]),
      commit: async () => {
        await client.query("commit");
        client.release();
      },
    };
  };
  const [early, open] = [await begin(), await begin()];
  await open.add(3);
  await queue.add("brief", 1, { partitionKey: "k" });
  await early.add(2);
  await early.commit();
  const order: unknown[] = [];
  await work([handle(brief, ({ payload }) => void order.push(payload))]);
  await until(() => order.length === 2);
  await open.commit();
  await until(() => order.length === 3);
  expect(order).toEqual([1, 2, 3]);
});
