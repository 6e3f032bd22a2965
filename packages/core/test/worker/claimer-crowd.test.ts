import { defineJob, type } from "@pillion/core";
import { handle } from "@pillion/core/worker";
import { expect, test } from "vitest";
import { claimShop } from "./claimers.ts";
import { mostAtOnce, recordedIntervals } from "./workers.ts";

test("in a crowd of claimers and a worker each job succeeds once, and no key runs more than its limit says", async () => {
  const { queue, claimer, work, ended } = await claimShop();
  const plain = defineJob({ name: "plain", payload: type<number>() });
  await queue.admin.setQueue("default", { keyConcurrency: 2 });
  await queue.query(
    `select pillion.enqueue('plain', to_jsonb(n), case when n % 3 = 0 then jsonb_build_object('partitionKey', 'k' || n % 5) else '{}' end)
     from generate_series(1, 300) n`,
  );
  const succeeded: string[] = [];
  await work([handle(plain, ({ id }) => void succeeded.push(id))], { concurrency: 5 });
  const { url: database } = queue;
  const crowd = [claimer([plain]), claimer([plain], { database })];
  let turn = 0;
  const loop = async (hand: (typeof crowd)[number]) => {
    while ((await ended("completed")) < 300) {
      const jobs = await hand.claim({ limit: 1 + (turn++ % 20) });
      await Promise.all(
        jobs.map(async (job) => {
          const dice = turn++ % 10;
          if (dice === 0) await hand.extend(job);
          if (dice === 1) return void (await hand.fail(job, new Error("again"), { delayMs: 0 }));
          if (dice === 2) return hand.release(job);
          await hand.complete(job);
          succeeded.push(job.id);
        }),
      );
    }
  };
  // Two loops share each claimer.
  await Promise.all([...crowd, ...crowd].map(loop));
  expect(new Set(succeeded).size).toBe(300);
  expect(succeeded).toHaveLength(300);
  const intervals = await recordedIntervals(queue);
  for (let key = 0; key < 5; key++)
    expect(mostAtOnce(intervals.filter((one) => one.key === `k${key}`))).toBeLessThanOrEqual(2);
});
