import { expect, test } from "vitest";
import { workshop } from "../worker/workers.ts";

test("what is ready is counted up to 10,000, in many queues up to their share, and it is said where there is more", async () => {
  const { queue } = await workshop();
  const fill = (from: number, to: number) =>
    queue.query(
      `insert into pillion.job (queue, name, partition_key, payload) select 'queue ' || q, 'n', case when i % 2 = 0 then 'key ' || i % 300 end, '1'
       from generate_series(1, 10050) i, generate_series($1::int, $2::int) q`,
      [from, to],
    );
  await fill(1, 1);
  await queue.query(
    "insert into pillion.job (queue, name, payload) select 'short', 'n', '1' from generate_series(1, 7)",
  );
  const depths = async () =>
    (await queue.admin.queues()).map(({ name, ready, readyMore }) => [name, ready, readyMore]);
  expect(await depths()).toEqual([
    ["queue 1", 10_000, true],
    ["short", 7, false],
  ]);
  await fill(2, 24);
  const shares = await depths();
  expect(shares).toHaveLength(25);
  for (const [name, ...depth] of shares)
    expect([name, depth]).toEqual([name, name === "short" ? [7, false] : [8_000, true]]);
}, 60_000);

test("the oldest of a queue is found in any lane and under any of its first partition keys", async () => {
  const { queue } = await workshop();
  await queue.query(
    `insert into pillion.job (queue, name, priority, partition_key, run_at, payload)
     select q, 'n', p, case when q = 'keyed' then 'key ' || p end, now() - case when p = 2 then interval '1 hour' else interval '1 minute' end, '1'
     from unnest(array['keyed', 'plain']) q, generate_series(-4, 4) p`,
  );
  for (const { oldestReadyMs } of await queue.admin.queues())
    expect(Math.round(oldestReadyMs! / 3_600_000)).toBe(1);
});
