import { spawn } from "node:child_process";
import { defineJob, type } from "@pillion/core";
import { handle } from "@pillion/core/worker";
import { builtProgram } from "@pillion/dev-program";
import { expect, onTestFinished, test } from "vitest";
import { type TestQueue, until } from "./queue.ts";
import { mostAtOnce, mostWithin, recordedIntervals, workshop } from "./workers.ts";

const brief = defineJob({ name: "brief", payload: type<number>() });
const runBriefly = () => handle(brief, () => new Promise<void>((resolve) => setTimeout(resolve, 2)));
const enqueue =
  "select pillion.enqueue('brief', to_jsonb(i), jsonb_build_object('partitionKey', $2::text)) from generate_series(1, $1::int) i";

test("no more jobs of a queue run at a time than its concurrency says, over all workers, also when one is killed", async () => {
  const { queue, work, ended } = await workshop();
  await queue.admin.setQueue("default", { concurrency: 3 });
  await queue.query("select pillion.enqueue('brief', to_jsonb(i)) from generate_series(1, 200) i");
  const program = await builtProgram(new URL("./brief-worker.ts", import.meta.url));
  const child = spawn(process.execPath, [program, queue.url, queue.schema], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  for (let index = 0; index < 8; index++) await work([runBriefly()], { concurrency: 5, leaseMs: 1_000 });
  // Killed while it holds slots.
  await until(
    async () =>
      (
        await queue.query(
          "select from pillion.job j join pillion.worker w on w.id = j.worker where w.label like '% ' || $1 limit 1",
          [child.pid],
        )
      ).length > 0,
  );
  child.kill("SIGKILL");
  await until(async () => (await ended()) === 200);
  expect(mostAtOnce(await recordedIntervals(queue))).toBe(3);
  expect(await queue.query("select from pillion.live")).toEqual([]);
});

test("no more jobs of one partition key run at a time than the queue allows to each, and keys do not share their slots", async () => {
  const { queue, work, ended } = await workshop();
  await queue.admin.setQueue("default", { keyConcurrency: 2 });
  for (const key of ["a", "b", "c"]) await queue.query(enqueue, [60, key]);
  await queue.query("select pillion.enqueue('brief', '0') from generate_series(1, 40) i");
  for (let index = 0; index < 5; index++) await work([runBriefly()], { concurrency: 10 });
  await until(async () => (await ended()) === 220);
  const intervals = await recordedIntervals(queue);
  for (const key of ["a", "b", "c"]) expect(mostAtOnce(intervals.filter((one) => one.key === key))).toBe(2);
  expect(mostAtOnce(intervals)).toBeGreaterThan(4);
});

/** When which job was claimed: a busy process calls the handler a moment later, which is not what a rate can count. */
async function recordClaims(
  queue: TestQueue,
): Promise<() => Promise<readonly { key: string; at: number }[]>> {
  await queue.query("create table claimed (key text, at timestamptz)");
  await queue.query(`create function record_claim() returns trigger language plpgsql as $$ begin
    insert into public.claimed values (new.partition_key, new.started_at); return null; end $$`);
  await queue.query(`create trigger record_claim after update on pillion.job for each row
    when (old.state = 'ready' and new.state = 'running') execute function record_claim()`);
  return async () =>
    (
      await queue.query(
        "select key, (extract(epoch from at) * 1e6)::bigint::text as at from claimed order by at",
      )
    ).map(({ key, at }) => ({ key: key!, at: Number(at) }));
}

test("no more jobs of a queue start within any stretch of time than its rate says", async () => {
  const { queue, work, ended } = await workshop();
  const claims = await recordClaims(queue);
  await queue.admin.setQueue("default", { rate: { limit: 7, perMs: 300 } });
  await queue.query("select pillion.enqueue('brief', to_jsonb(i)) from generate_series(1, 30) i");
  for (let index = 0; index < 4; index++) await work([runBriefly()]);
  await until(async () => (await ended()) === 30);
  expect(
    mostWithin(
      (await claims()).map(({ at }) => at),
      300,
    ),
  ).toBe(7);
});

test("no more jobs of one partition key start within any stretch of time than its rate says", async () => {
  const { queue, work, ended } = await workshop();
  const claims = await recordClaims(queue);
  await queue.admin.setQueue("default", { keyRate: { limit: 3, perMs: 300 } });
  for (const key of ["a", "b"]) await queue.query(enqueue, [9, key]);
  for (let index = 0; index < 4; index++) await work([runBriefly()]);
  await until(async () => (await ended()) === 18);
  const claimed = await claims();
  for (const own of ["a", "b"])
    expect(
      mostWithin(
        claimed.filter(({ key }) => key === own).map(({ at }) => at),
        300,
      ),
    ).toBe(3);
});

test("a key with 12,000 waiting jobs and no slot left keeps nobody waiting: another key's job starts within a poll", async () => {
  const { queue, work } = await workshop();
  const stuck = defineJob({ name: "stuck", payload: type<number>() });
  await queue.admin.setQueue("default", { keyConcurrency: 1 });
  await queue.query(
    "insert into pillion.job (name, payload, partition_key) select 'stuck', to_jsonb(i), 'full' from generate_series(1, 12000) i",
  );
  let started = 0;
  await work(
    [
      runBriefly(),
      handle(stuck, ({ signal }) => {
        started++;
        return new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      }),
    ],
    { pollMs: 1_000 },
  );
  await until(() => started === 1);
  const id = await queue.add("brief", 1, { partitionKey: "other" });
  await queue.reaches(id, "completed");
  const { createdAt, attempts } = (await queue.admin.job(id))!;
  expect(attempts[0]!.startedAt.getTime() - createdAt.getTime()).toBeLessThan(2_000);
  expect(started).toBe(1);
});

test("in strict order the jobs of a key run one after the other as they were enqueued, though one fails, snoozes and has a lower priority", async () => {
  const { queue, work, ended } = await workshop();
  await queue.admin.setQueue("default", { fifo: true });
  const order: number[] = [];
  const keyed = defineJob({
    name: "keyed",
    payload: type<number>(),
    backoff: { type: "fixed", delayMs: 60 },
  });
  for (let index = 1; index <= 12; index++)
    await queue.add("keyed", index, { partitionKey: "k", priority: index === 2 ? -4 : 0 });
  const other = await queue.add("keyed", 100, { partitionKey: "other" });
  for (let index = 0; index < 3; index++)
    await work([
      handle(keyed, (job) => {
        if (job.payload < 100) order.push(job.payload);
        if (job.payload === 4 && job.attempt === 1) throw new Error("once");
        if (job.payload === 6 && order.filter((payload) => payload === 6).length === 1)
          return job.snooze({ delayMs: 60 });
      }),
    ]);
  await until(async () => (await ended()) === 13);
  expect(order).toEqual([1, 2, 3, 4, 4, 5, 6, 6, 7, 8, 9, 10, 11, 12]);
  expect(mostAtOnce((await recordedIntervals(queue)).filter(({ key }) => key === "k"))).toBe(1);
  expect((await queue.admin.job(other))!.state).toBe("completed");
});

test("in strict order a dead job lets the next one go, or holds its key up until it is retried, as the queue says", async () => {
  const { queue, work } = await workshop();
  const keyed = defineJob({ name: "keyed", payload: type<number>(), maxAttempts: 1 });
  const ran: number[] = [];
  let broken = true;
  await queue.admin.setQueue("default", { fifo: true });
  await work([
    handle(keyed, ({ payload }) => {
      ran.push(payload);
      if (payload % 10 === 1 && broken) throw new Error("broken");
    }),
  ]);
  for (const payload of [1, 2])
    await queue.add("keyed", payload, { partitionKey: "goes on", maxAttempts: 1 });
  await until(() => ran.length === 2);
  expect(ran).toEqual([1, 2]);

  await queue.admin.setQueue("default", { fifoOnDead: "block" });
  const first = await queue.add("keyed", 11, { partitionKey: "waits", maxAttempts: 1 });
  await queue.reaches(first, "dead");
  const second = await queue.add("keyed", 12, { partitionKey: "waits", maxAttempts: 1 });
  const passes = await queue.add("keyed", 20, { partitionKey: "free" });
  await queue.reaches(passes, "completed");
  expect((await queue.admin.job(second))!.state).toBe("ready");
  broken = false;
  await queue.admin.retry({ ids: [first] });
  await queue.reaches(second, "completed");
  expect(ran).toEqual([1, 2, 11, 20, 11, 12]);
});

test("a queue that is paused starts nothing, and goes on when it is resumed", async () => {
  const { queue, work } = await workshop();
  const ran: number[] = [];
  await queue.admin.pause("default");
  await work([handle(brief, ({ payload }) => void ran.push(payload))], { queues: ["default", "other"] });
  const held = [await queue.add("brief", 1), await queue.add("brief", 2, { partitionKey: "k" })];
  await queue.reaches(await queue.add("brief", 3, { queue: "other" }), "completed");
  expect(ran).toEqual([3]);
  await queue.admin.resume("default");
  for (const id of held) await queue.reaches(id, "completed");
});
