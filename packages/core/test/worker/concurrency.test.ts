import { spawn } from "node:child_process";
import { defineJob, type } from "@pillion/core";
import { handle } from "@pillion/core/worker";
import { builtProgram } from "@pillion/dev-program";
import { expect, onTestFinished, test } from "vitest";
import { until } from "./queue.ts";
import { mostAtOnce, recordedIntervals, workshop } from "./workers.ts";

const plain = defineJob({ name: "plain", payload: type<number>() });
const add =
  "select pillion.enqueue('plain', to_jsonb(i), $2::text::jsonb) from generate_series(1, $1::int) i";

test("a worker runs no more jobs at a time than its concurrency says, and no more of a queue than that queue's own", async () => {
  const { queue, work, ended } = await workshop();
  const [now, most] = [new Map<string, number>(), new Map<string, number>()];
  const count = (name: string, by: number) => {
    now.set(name, (now.get(name) ?? 0) + by);
    most.set(name, Math.max(most.get(name) ?? 0, now.get(name)!));
  };
  const counting = handle(plain, async ({ queue }) => {
    const name = queue === "own" ? queue : "the others";
    count(name, 1);
    await new Promise((resolve) => setTimeout(resolve, 1));
    count(name, -1);
  });
  for (const name of ["one", "other", "own"]) await queue.query(add, [200, JSON.stringify({ queue: name })]);
  await work([counting], { concurrency: 4, queues: ["one", "other", { name: "own", concurrency: 2 }] });
  await until(async () => (await ended()) === 600);
  expect(Object.fromEntries(most)).toEqual({ "the others": 4, own: 2 });
});

test("20 jobs of a second each, on two workers that run 10 at a time and have had quick ones, are done in less than two, by the times that the database recorded", async () => {
  const { queue, work, ended } = await workshop();
  let quick = true;
  const second = handle(plain, async () => {
    if (!quick) await new Promise((resolve) => setTimeout(resolve, 1_000));
  });
  for (let index = 0; index < 2; index++) await work([second], { concurrency: 10 });
  // Now both claim far ahead.
  await queue.query(add, [2_000, "{}"]);
  await until(async () => (await ended()) === 2_000);
  quick = false;
  await queue.query(add, [20, "{}"]);
  await until(async () => (await ended()) === 2_020);
  const [{ took }] = (await queue.query(
    `select extract(epoch from max(a.finished_at) - min(j.created_at))::float8 as took
     from pillion.archive j join pillion.attempts a on a.job = j.id where a.outcome = 'completed' and j.id > (select max(id) - 20 from pillion.archive)`,
  )) as [Record<string, never>];
  expect(Number(took)).toBeGreaterThan(1);
  expect(Number(took)).toBeLessThan(2);
});

test("of 10,000 jobs, on 20 workers besides three that are killed one after the other, no more run at any moment than the queue and each key allow", async () => {
  const { queue, work, ended } = await workshop();
  await queue.admin.setQueue("default", { concurrency: 40, keyConcurrency: 4 });
  await queue.query(
    "insert into pillion.job (name, payload, partition_key) select 'brief', to_jsonb(i), case when i % 3 > 0 then 'k' || i % 12 end from generate_series(1, 10000) i",
  );
  const program = await builtProgram(new URL("./brief-worker.ts", import.meta.url));
  const killer = (async () => {
    for (let index = 0; index < 3; index++) {
      const child = spawn(process.execPath, [program, queue.url, queue.schema], { stdio: "ignore" });
      onTestFinished(() => void child.kill("SIGKILL"));
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
    }
  })();
  const brief = handle(
    defineJob({ name: "brief", payload: type<number>() }),
    () => new Promise<void>(setImmediate),
  );
  for (let index = 0; index < 20; index++) await work([brief], { concurrency: 10, leaseMs: 2_000 });
  await killer;
  await until(async () => (await ended()) === 10_000);
  const intervals = await recordedIntervals(queue);
  expect(mostAtOnce(intervals)).toBeLessThanOrEqual(40);
  expect(mostAtOnce(intervals)).toBeGreaterThan(20);
  for (let key = 0; key < 12; key++)
    expect(mostAtOnce(intervals.filter((one) => one.key === `k${key}`))).toBeLessThanOrEqual(4);
  expect(
    await queue.query("select count(*)::int as n from pillion.attempts where outcome = 'lost'"),
  ).not.toEqual([{ n: 0 }]);
});
