import { DiscardError, defineJob, InvalidRequestError, type } from "@pillion/core";
import type { ThroughputBucket } from "@pillion/core/admin";
import { handle } from "@pillion/core/worker";
import { afterAll, beforeAll, expect, test } from "vitest";
import { postgresEngine } from "../../src/postgres/engine.ts";
import { type TestQueue, testQueue } from "../worker/queue.ts";
import { workshop } from "../worker/workers.ts";

const tried = (name: string, queue: string) =>
  defineJob({
    name,
    queue,
    payload: type<null>(),
    maxAttempts: 2,
    backoff: { type: "fixed", delayMs: 0 },
  });

/** The buckets of a queue in one. */
function total(buckets: readonly ThroughputBucket[], queue: string) {
  const of = buckets.filter((bucket) => bucket.queue === queue);
  const sum = (figure: "completed" | "failed" | "dead" | "seconds") =>
    of.reduce((so_far, bucket) => so_far + bucket[figure], 0);
  return { completed: sum("completed"), failed: sum("failed"), dead: sum("dead"), seconds: sum("seconds") };
}

test("throughput counts what real workers have completed, what failed on the way and what died", async () => {
  const { queue, work } = await workshop();
  for (const name of ["fine", "fine", "shaky", "hopeless", "unwanted"])
    await queue.add(name, null, { queue: name, maxAttempts: 2 });
  await work([
    handle(tried("fine", "fine"), () => {}),
    handle(tried("shaky", "shaky"), ({ attempt }) => {
      if (attempt === 1) throw new Error("not yet");
    }),
    handle(tried("hopeless", "hopeless"), () => {
      throw new Error("never");
    }),
    handle(tried("unwanted", "unwanted"), () => {
      throw new DiscardError("no");
    }),
  ]);
  await queue.reaches("2", "completed");
  await queue.reaches("3", "completed");
  await queue.reaches("4", "dead");
  await queue.reaches("5", "dead");
  const expected = {
    fine: { completed: 2, failed: 0, dead: 0 },
    hopeless: { completed: 0, failed: 1, dead: 1 },
    shaky: { completed: 1, failed: 1, dead: 0 },
    unwanted: { completed: 0, failed: 0, dead: 1 },
  };
  const buckets = await queue.admin.throughput({ minutes: 30 });
  for (const [name, counts] of Object.entries(expected)) expect(total(buckets, name)).toMatchObject(counts);
  expect(await queue.admin.throughput({ queue: "shaky", minutes: 30 })).toEqual(
    buckets
      .filter((bucket) => bucket.queue === "shaky")
      .map((bucket) => ({ ...bucket, seconds: expect.any(Number) })),
  );
  const [told] = buckets.filter(({ queue, completed }) => queue === "fine" && completed > 0);
  expect(told!.runP95Ms).toBeGreaterThanOrEqual(told!.runP50Ms!);
  expect(told!.waitP95Ms).toBeGreaterThanOrEqual(told!.waitP50Ms!);
  // The present stretch is part of one; the others are whole.
  expect(new Set(buckets.map(({ from }) => from.getTime() % 60_000))).toEqual(new Set([0]));
  expect(total(buckets, "fine").seconds).toBeGreaterThanOrEqual(1_800);

  // What was brought back has ended nonetheless.
  await queue.admin.pause("hopeless");
  await queue.admin.redrive({ name: "hopeless" });
  expect(total(await queue.admin.throughput({ minutes: 30 }), "hopeless")).toMatchObject(expected.hopeless);
});

let queue: TestQueue;
beforeAll(async () => {
  queue = await testQueue();
});
afterAll(() => queue.drop());

const noon = "2026-03-01 12:00:00Z";

/** Jobs of a queue that ended one after the other, evenly, from minutes before noon on. */
const ended = (name: string, jobs: number, fromMinutes: number, everyMs: number, keepUntil: string) =>
  queue.query(
    `insert into pillion.archive (id, state, queue, name, version, priority, attempt, created_at, run_at, started_at, finished_at,
       enqueued_xid, payload, keep_until)
     select i, 'completed', $1, 'n', 1, 0, 1, at - interval '1 hour', at - i % 100 * interval '10 ms' - interval '2 s', at - interval '2 s', at,
       '1', to_jsonb(repeat('x', 100)), $5::date
     from generate_series(1, $2::integer) i,
       lateral (select timestamptz '${noon}' - $3 * interval '1 minute' + i * $4 * interval '1 ms' as at) t`,
    [name, jobs, fromMinutes, everyMs, keepUntil],
  );

/** At noon. */
async function told(minutes: number, bucketSeconds: number, only: string | null = null) {
  const { text, values } = postgresEngine(queue.schema).throughput({
    queue: only,
    minutes,
    bucketSeconds,
    now: noon,
  });
  const { rows } = await queue.pool.query(text, [...values]);
  return rows.map(({ bucket }) => JSON.parse(bucket));
}

test("each stretch of time has its own figures, whichever partitions its jobs lie in", async () => {
  await ended("even", 600, 10, 1_000, "2026-03-08");
  await ended("kept long", 300, 5, 1_000, "2026-05-31");
  const buckets = await told(10, 300);
  expect(
    buckets.map(({ name, at, completed }) => [name, new Date(at).toISOString().slice(11, 16), completed]),
  ).toEqual([
    // What ended at noon itself is yet to come.
    ["even", "11:50", 299],
    ["even", "11:55", 300],
    ["kept long", "11:50", 0],
    ["kept long", "11:55", 299],
  ]);
  const [first, , nothing] = buckets;
  expect(first).toMatchObject({
    seconds: 300,
    wait_p50: 500,
    run_p50: 2_000,
    run_p95: 2_000,
    sampled: false,
  });
  expect(first.wait_p95).toBeCloseTo(941, 0);
  expect(nothing).toMatchObject({ failed: 0, dead: 0, wait_p50: null, run_p95: null });
  expect(new Set((await told(10, 300, "even")).map(({ name }) => name))).toEqual(new Set(["even"]));
});

test("where more has ended than is read, the counts are estimates from parts of all of it", async () => {
  const name = "very many";
  const jobs = 60_000;
  await ended(name, jobs, 50, 50, "2026-03-09");
  const { rows } = await queue.pool.query(
    `select name, completed::integer as jobs, sampled from "${queue.schema}".throughput($1, 50, 60, '${noon}', 256) order by at`,
    [name],
  );
  expect(rows).toHaveLength(50);
  for (const row of rows) {
    expect(row).toMatchObject({ name, sampled: true });
    // Really it is 1,200 in each minute.
    expect(row.jobs).toBeGreaterThan(1_000);
    expect(row.jobs).toBeLessThan(1_400);
  }
});

test.each([
  [{ minutes: 0 }, "minutes is 0, not a whole number from 1 to 1440"],
  [{ minutes: 1.5 }, "minutes is 1.5"],
  [{ bucketSeconds: 100_000 }, "bucketSeconds is 100000, not a whole number from 1 to 86400"],
  [{ minutes: 60, bucketSeconds: 1 }, "60 minutes have 3600 stretches of 1 s, and at most 1500 are told"],
])("%o is refused before anything is sent", async (options, message) => {
  const asked = queue.admin.throughput(options);
  await expect(asked).rejects.toThrow(message);
  await expect(asked).rejects.toBeInstanceOf(InvalidRequestError);
});
