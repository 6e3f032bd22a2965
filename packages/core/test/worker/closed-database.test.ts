import { defineJob, type } from "@pillion/core";
import { createClaimer, createWorker, type Handler, handle, type WorkerOptions } from "@pillion/core/worker";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { silencingProxy, withQuery } from "./proxies.ts";
import { listeningLogger, testQueue, until } from "./queue.ts";
import { workerProcess } from "./worker-process.ts";

// An application that closes what its worker works on, and stops the worker after that; or never gets an answer.

const slow = defineJob({ name: "slow", payload: type<null>(), maxAttempts: 5 });
/** Longer than any test may take. */
const never = 3_600_000;

/** A worker on the application's own pool, in which handlers wait until they are told to end. */
async function working(poolSize: number, options: Partial<WorkerOptions> = {}) {
  const queue = await testQueue();
  const pool = new pg.Pool({ connectionString: queue.url, max: poolSize });
  const logger = listeningLogger();
  let ended = false;
  let started = 0;
  const jobs: (() => void)[] = [];
  const wait = async (): Promise<void> => {
    started++;
    if (!ended) await new Promise<void>((resolve) => void jobs.push(resolve));
  };
  const end = () => {
    ended = true;
    for (const job of jobs) job();
  };
  onTestFinished(async () => {
    end();
    if (!pool.ending) await pool.end();
    await queue.drop();
  });
  const start = async (handlers: readonly Handler[] = [handle(slow, wait)]) => {
    const { schema } = queue;
    const worker = createWorker({ database: pool, schema, handlers, logger, pollMs: 20, ...options });
    onTestFinished(() => worker.stop({ graceMs: 0 }));
    await worker.start();
    return worker;
  };
  return { queue, pool, lines: logger.lines, wait, end, start, started: () => until(() => started > 0) };
}

const closedFirst =
  "its pg Pool was closed before it. Stop the worker first, and then close what it works on.";

test("a worker whose pool is ended while a job runs writes what becomes of it on its own connection, and stops", async () => {
  const { queue, pool, lines, end, start, started } = await working(5);
  const worker = await start();
  const id = await queue.add("slow");
  await started();
  await pool.end();
  const stopped = worker.stop({ graceMs: never });
  end();
  await stopped;
  expect(lines.at(-1)).toBe(`this worker has stopped, but ${closedFirst}`);
  expect(await queue.admin.job(id)).toMatchObject({ state: "completed", attempt: 1 });
  expect(await queue.query("select from pillion.worker where stopped_at is null")).toEqual([]);
});

test("what still runs then is handed back within the grace, and no attempt is counted", async () => {
  const { queue, pool, start, started } = await working(5);
  const worker = await start();
  const id = await queue.add("slow");
  await started();
  await pool.end();
  await worker.stop({ graceMs: 0 });
  expect(await queue.admin.job(id)).toMatchObject({ state: "ready", attempt: 0 });
});

test("a worker without a connection of its own names what it could not write, and others run it", async () => {
  const leaseMs = 400;
  const { queue, pool, lines, end, start, started } = await working(5, { listen: false, leaseMs });
  const worker = await start();
  const id = await queue.add("slow");
  await started();
  await pool.end();
  const stopped = worker.stop({ graceMs: never });
  end();
  await stopped;
  expect(lines.at(-1)).toBe(
    `this worker has stopped before the database had taken what became of 1 job (job ${id} "slow" (attempt 1 of 5)): ${closedFirst} Within 400 ms what it holds there passes on to other workers, which run it again.`,
  );
  const other = createWorker({
    database: queue.url,
    schema: queue.schema,
    handlers: [handle(slow, () => {})],
    pollMs: 20,
    logger: false,
  });
  onTestFinished(() => other.stop({ graceMs: 0 }));
  await other.start();
  await queue.reaches(id, "completed");
});

test.each([
  ["with a connection of its own", {}],
  ["without one", { listen: false }],
] as const)(
  "a worker that waits in line for a connection of a pool that is ended stops all the same, %s",
  async (_, options) => {
    const { queue, pool, lines, wait, end, start, started } = await working(1, options);
    const worker = await start([
      handle(slow, async () => {
        const client = await pool.connect();
        await wait();
        client.release();
      }),
    ]);
    await queue.add("slow");
    await started();
    await until(() => pool.waitingCount > 0);
    const ended = pool.end();
    const stopped = worker.stop({ graceMs: never });
    end();
    await Promise.all([ended, stopped]);
    expect(lines.at(-1)).toContain(closedFirst);
  },
);

test("a worker whose handlers never give back the pool's connections stops when its time is over", async () => {
  const { queue, pool, lines, wait, start, started } = await working(1, { listen: false });
  const worker = await start([
    handle(slow, async () => {
      const client = await pool.connect();
      await wait();
      client.release();
    }),
  ]);
  const id = await queue.add("slow");
  await started();
  await until(() => pool.waitingCount > 0);
  await worker.stop({ graceMs: 1 });
  expect(lines.at(-1)).toBe(
    `this worker has stopped before the database had taken what became of 1 job (job ${id} "slow" (attempt 1 of 5)): no answer came. Within 15000 ms what it holds there passes on to other workers, which run it again.`,
  );
});

test("runOnce returns when its time is over, though handlers hold the pool's only connection", async () => {
  const { queue, pool, wait } = await working(1);
  const holding = handle(slow, async () => {
    const client = await pool.connect();
    await wait();
    client.release();
  });
  await queue.add("slow");
  const { schema } = queue;
  const worker = createWorker({ database: pool, schema, handlers: [holding], logger: false });
  expect(await worker.runOnce({ maxMs: 200 })).toMatchObject({ ran: 0, failed: 0, more: true });
});

test("a worker that is stopped while its start waits for a connection gives that up", async () => {
  const { queue, pool } = await working(1);
  const taken = await pool.connect();
  const { schema } = queue;
  const worker = createWorker({ database: pool, schema, handlers: [handle(slow, () => {})], logger: false });
  const starting = worker.start();
  await Promise.all([
    expect(starting).rejects.toThrow("the worker was stopped before it had started"),
    worker.stop({ graceMs: 0 }),
  ]);
  taken.release();
});

test("a process that ends its pool before its worker ends, and nothing is left open", async () => {
  const queue = await testQueue();
  onTestFinished(() => queue.drop());
  const { says, child, exited } = await workerProcess(queue, {
    program: new URL("./ended-pool-child.ts", import.meta.url),
  });
  const id = await queue.add("slow");
  await says(`started ${id}`);
  child.kill("SIGTERM");
  await says("stopped");
  expect(await exited).toEqual([0, null]);
  expect((await queue.admin.job(id))!.state).toBe("ready");
});

test("a worker whose connections are all silent, and wait for long, stops when its time is over, and so does its process", async () => {
  const queue = await testQueue();
  onTestFinished(() => queue.drop());
  const proxy = await silencingProxy(queue.url);
  const listeners = () =>
    queue.query(
      "select from pg_stat_activity where datname = current_database() and application_name = 'pillion worker (listen)' and query like '%tick%'",
    );
  const url = withQuery(proxy.url, "query_timeout", String(never));
  const { says, child, exited } = await workerProcess({ url, schema: queue.schema });
  const id = await queue.add("slow");
  await says(`started ${id}`);
  // It has opened all that it opens.
  await until(async () => (await listeners()).length > 0);
  proxy.silence();
  child.kill("SIGTERM");
  await says("stopped");
  expect(await exited).toEqual([0, null]);
});

test("a claimer whose pool is ended stops, and names what it held", async () => {
  const { queue, pool } = await working(2);
  const logger = listeningLogger();
  const claimer = createClaimer({ database: pool, schema: queue.schema, jobTypes: [slow], logger });
  const id = await queue.add("slow");
  await claimer.claim();
  await pool.end();
  await claimer.stop();
  expect(logger.lines.at(-1)).toBe(
    `this claimer has stopped before the database had taken what became of job ${id} "slow" (attempt 1 of 5): within 15000 ms that passes on to others, which run it again. Its pg Pool was closed before it: stop the claimer first.`,
  );
});
