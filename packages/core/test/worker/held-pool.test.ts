import { defineJob, type } from "@pillion/core";
import { createWorker, handle } from "@pillion/core/worker";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { until } from "./queue.ts";
import { workerProcess } from "./worker-process.ts";
import { workshop } from "./workers.ts";

const holding = defineJob({ name: "holding", payload: type<null>() });

/** A job whose handler has taken the only connection of the pool on which its worker runs. */
async function held(options: { readonly heeds: boolean; readonly listen?: false }) {
  // Closed once the workers on it have stopped, and before their database goes.
  const closing: (() => Promise<void>)[] = [];
  onTestFinished(async () => {
    for (const close of closing) await close();
  });
  const { queue } = await workshop();
  onTestFinished(async () => {
    for (const close of closing.splice(0)) await close();
  });
  const pool = new pg.Pool({ connectionString: queue.url, max: 1 });
  let letGo = () => {};
  const mayEnd = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let holds = false;
  const hold = handle(holding, async ({ signal }) => {
    const client = await pool.connect();
    holds = true;
    if (options.heeds) signal.addEventListener("abort", () => letGo());
    await mayEnd;
    client.release();
  });
  const { listen } = options;
  const { schema } = queue;
  const worker = createWorker({
    database: pool,
    schema,
    handlers: [hold],
    pollMs: 50,
    logger: false,
    listen,
  });
  closing.push(
    async () => letGo(),
    () => worker.stop({ graceMs: 0 }),
    () => pool.end(),
  );
  const id = await queue.add("holding");
  return { queue, worker, id, taken: () => until(() => holds), letGo };
}

const handedBack = { state: "ready", attempt: 0, attempts: [{ outcome: "released" }] };

test.each([
  ["and beats beside it", {}],
  ["and beats through it", { listen: false as const }],
])(
  "a worker whose handlers hold its whole pool until they are told to end, %s, stops, and hands their jobs back",
  async (_, options) => {
    const { queue, worker, id, taken } = await held({ heeds: true, ...options });
    await worker.start();
    await taken();
    await worker.stop({ graceMs: 50 });
    expect(await queue.admin.job(id)).toMatchObject(handedBack);
  },
);

test("jobs of handlers that hold the whole pool, and do not heed their signals, are handed back on the worker's own connection", async () => {
  const { queue, worker, id, taken } = await held({ heeds: false });
  await worker.start();
  await taken();
  const stopped = worker.stop({ graceMs: 50 });
  await queue.reaches(id, "ready");
  expect(await queue.admin.job(id)).toMatchObject(handedBack);
  await stopped;
  expect(await queue.query("select from pillion.worker where stopped_at is null")).toEqual([]);
});

test.each([
  ["until they are told to end", { heeds: true }],
  ["and do not heed their signals", { heeds: false }],
])(
  "runOnce returns before its deadline, by the database's clock, also where handlers hold the whole pool %s",
  async (_, options) => {
    const { queue, worker, id } = await held(options);
    const now = async () => {
      const [row] = await queue.query("select extract(epoch from clock_timestamp()) * 1000 as at");
      return Number(row!.at);
    };
    const began = await now();
    expect(await worker.runOnce({ maxMs: 2_000 })).toEqual({ ran: 0, failed: 0, more: true });
    expect((await now()) - began).toBeLessThan(2_000);
    expect((await queue.admin.job(id))!.state).toBe(options.heeds ? "ready" : "running");
  },
);

test("a process that has called runOnce ends by itself, though its handler never does", async () => {
  const { queue } = await workshop();
  const id = await queue.add("slow");
  const { says, exited } = await workerProcess(queue, {
    program: new URL("./once-child.ts", import.meta.url),
  });
  await says('returned {"ran":0,"failed":0,"more":true}');
  expect(await exited).toEqual([0, null]);
  expect(await queue.admin.job(id)).toMatchObject(handedBack);
});

test("while handlers hold the whole pool, jobs of silent workers are rescued all the same, and scheduled ones become ready", async () => {
  const { queue, worker, taken } = await held({ heeds: true });
  await worker.start();
  await taken();
  const lost = await queue.add("other", null, { maxAttempts: 1 });
  await queue.query(
    `with w as (insert into pillion.worker (label, queues, names, concurrency, lease_ms, started_at, heartbeat_at)
       values ('gone', '{default}', '{other}', 1, 1000, now() - interval '1 hour', now() - interval '1 hour') returning id)
     update pillion.job set state = 'running', attempt = 1, worker = w.id, claim = 1, started_at = now() from w where name = 'other'`,
  );
  const due = await queue.add("other", null, { delayMs: 100 });
  await queue.reaches(lost, "dead");
  await queue.reaches(due, "ready");
});
