import { defineJob, type } from "@pillion/core";
import { handle, handleMany } from "@pillion/core/worker";
import { expect, test } from "vitest";
import { until } from "./queue.ts";
import { workshop } from "./workers.ts";

const plain = defineJob({ name: "plain", payload: type<number>(), result: type<string>() });
const endless = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

test("a job that is snoozed runs again later, and no attempt is counted for it", async () => {
  const { queue, work } = await workshop();
  let runs = 0;
  await work([
    handle(plain, (job) => (++runs === 1 ? job.snooze({ delayMs: 100 }) : `attempt ${job.attempt}`)),
  ]);
  const id = await queue.add("plain", 1, { maxAttempts: 1 });
  await queue.reaches(id, "completed");
  const job = (await queue.admin.job(id))!;
  expect(job.result).toBe("attempt 1");
  expect(job.attempts.map(({ outcome }) => outcome)).toEqual(["snoozed", "completed"]);
  const [first, second] = job.attempts;
  expect(second!.startedAt.getTime() - first!.finishedAt!.getTime()).toBeGreaterThanOrEqual(99);
});

test("a job that is cancelled while it runs hears it through its signal, wherever it runs, and ends as cancelled", async () => {
  const { queue, work } = await workshop();
  const reasons: unknown[] = [];
  await work([
    handle(plain, async ({ signal }) => {
      signal.addEventListener("abort", () => reasons.push(signal.reason.code));
      return endless(signal);
    }),
  ]);
  const id = await queue.add("plain", 1);
  await queue.reaches(id, "running");
  await queue.admin.cancel({ ids: [id] });
  await queue.reaches(id, "cancelled");
  expect(reasons).toEqual(["JOB_CANCELLED"]);
  expect((await queue.admin.job(id))!.attempts).toMatchObject([
    { outcome: "cancelled", error: { code: "JOB_CANCELLED" } },
  ]);
});

test("a job whose worker died after it was cancelled is not run again", async () => {
  const { queue, work } = await workshop();
  const id = await queue.add("plain", 1);
  await queue.query(
    `with w as (insert into pillion.worker (label, queues, names, concurrency, lease_ms, started_at, heartbeat_at)
       values ('gone', '{default}', '{plain}', 1, 1000, now() - interval '1 hour', now() - interval '1 hour') returning id)
     update pillion.job set state = 'running', attempt = 1, worker = w.id, claim = 1, started_at = now(), cancelled_at = now() from w`,
  );
  let ran = false;
  await work([
    handle(plain, () => {
      ran = true;
      return "";
    }),
  ]);
  await queue.reaches(id, "cancelled");
  expect(ran).toBe(false);
});

test("a job that is too late to start is cancelled, and says why", async () => {
  const { queue, work } = await workshop();
  const late = await queue.add("plain", 1, { startBefore: new Date(Date.now() + 86_400_000).toISOString() });
  await queue.query("update pillion.job set start_before = now() - interval '1 second'");
  const inTime = await queue.add("plain", 2, {
    startBefore: new Date(Date.now() + 86_400_000).toISOString(),
  });
  const ran: number[] = [];
  await work([
    handle(plain, ({ payload }) => {
      ran.push(payload);
      return "";
    }),
  ]);
  await queue.reaches(inTime, "completed");
  await queue.reaches(late, "cancelled");
  expect(ran).toEqual([2]);
  expect((await queue.admin.job(late))!.attempts[0]!.error).toMatchObject({ code: "JOB_EXPIRED" });
});

test("a handler of many jobs gets them in one call, and each has an outcome of its own", async () => {
  const { queue, work } = await workshop();
  const calls: number[][] = [];
  for (let payload = 1; payload <= 7; payload++) await queue.add("plain", payload, { maxAttempts: 1 });
  await work(
    [
      handleMany(plain, { maxJobs: 5 }, async (jobs) => {
        calls.push(jobs.map(({ payload }) => payload));
        return jobs.map((job) => {
          if (job.payload === 3) return new Error("not this one");
          if (job.payload === 4 && calls.flat().filter((payload) => payload === 4).length === 1)
            return job.snooze({ delayMs: 10 });
          return `done ${job.payload}`;
        });
      }),
    ],
    { concurrency: 1 },
  );
  await until(async () => (await queue.query("select from pillion.live")).length === 0);
  expect(calls[0]).toEqual([1, 2, 3, 4, 5]);
  expect(calls.flat().sort()).toEqual([1, 2, 3, 4, 4, 5, 6, 7]);
  const ends = await queue.query("select payload, state, result from pillion.archive order by payload");
  expect(ends).toEqual(
    [1, 2, 3, 4, 5, 6, 7].map((payload) =>
      payload === 3
        ? { payload, state: "dead", result: null }
        : { payload, state: "completed", result: `done ${payload}` },
    ),
  );
});

test("a handler of many jobs that throws, or answers for too few, fails them all", async () => {
  const { queue, work } = await workshop();
  const short = await queue.add("plain", 1, { maxAttempts: 1, priority: 1 });
  const broken = await queue.add("plain", 2, { maxAttempts: 1 });
  await work([
    handleMany(plain, { maxJobs: 1 }, ([job]) => {
      if (job!.payload === 2) throw new Error("all of them");
      return [];
    }),
  ]);
  await queue.reaches(short, "dead");
  await queue.reaches(broken, "dead");
  expect((await queue.admin.job(short))!.attempts[0]!.error!.message).toContain(
    "got 1 jobs and returned 0 results",
  );
  expect((await queue.admin.job(broken))!.attempts[0]!.error!.message).toBe("all of them");
});

test("a queue with slots of its own does not wait for the jobs of the others", async () => {
  const { queue, work } = await workshop();
  await work([handle(plain, ({ payload, signal }) => (payload === 1 ? endless(signal) : "done"))], {
    queues: ["slow", { name: "quick", concurrency: 1 }],
    concurrency: 1,
  });
  const slow = await queue.add("plain", 1, { queue: "slow" });
  const behind = await queue.add("plain", 2, { queue: "slow" });
  await queue.reaches(slow, "running");
  await queue.reaches(await queue.add("plain", 3, { queue: "quick" }), "completed");
  expect((await queue.admin.job(behind))!.state).toBe("ready");
});

test("a worker does not hoard: while it is busy with slow jobs, another one runs those that wait", async () => {
  const { queue, work, ended } = await workshop();
  const second = () =>
    handle(plain, async () => {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return "";
    });
  // It has learnt that jobs of this name are quick, and claims ahead; then they are not.
  let quick = true;
  const first = await work([handle(plain, async ({ signal }) => (quick ? "" : endless(signal)))], {
    concurrency: 2,
  });
  await queue.query("select pillion.enqueue('plain', to_jsonb(i)) from generate_series(1, 300) i");
  await until(async () => (await ended()) === 300);
  quick = false;
  await queue.query("select pillion.enqueue('plain', to_jsonb(i)) from generate_series(1, 20) i");
  await until(
    async () => (await queue.query("select from pillion.live where state = 'running'")).length >= 2,
  );
  await work([second()], { concurrency: 18 });
  await until(async () => (await ended()) === 318);
  await first.worker.stop({ graceMs: 0 });
  await until(async () => (await ended()) === 320);
  expect(await queue.query("select distinct state from pillion.archive")).toEqual([{ state: "completed" }]);
});
