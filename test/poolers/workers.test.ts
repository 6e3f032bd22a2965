import { defineJob, RetryError, type } from "@pillion/core";
import { createAdmin } from "@pillion/core/admin";
import { createWorker, handle, type WorkerOptions } from "@pillion/core/worker";
import { startPgBouncer } from "@pillion/dev-postgres";
import { enqueue } from "@pillion/pg";
import pg from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { listeningLogger, until } from "../../packages/core/test/worker/queue.ts";
import { workerProcess } from "../../packages/core/test/worker/worker-process.ts";
import { nothing, type PooledPlace, pooledPlace } from "./pooled-place.ts";

const counted = defineJob({ name: "counted", payload: type<number>() });

/** A place for one test, and workers in this process that reach it through the pooler. */
async function workshop() {
  const place: PooledPlace = await pooledPlace("workers");
  const stops: (() => Promise<void>)[] = [];
  onTestFinished(async () => {
    for (const stop of stops) await stop();
    await place.drop();
  });
  const admin = createAdmin({ database: place.pooled });
  stops.push(() => admin.close());
  const runs = new Map<string, number>();
  return {
    place,
    admin,
    /** How often each job has been started here. */
    runs,
    async work(options: Partial<WorkerOptions> = {}) {
      const logger = listeningLogger();
      const worker = createWorker({
        database: place.pooled,
        handlers: [
          handle(counted, ({ id, payload, attempt }) => {
            runs.set(id, (runs.get(id) ?? 0) + 1);
            if (payload % 10 === 0 && attempt === 1) throw new RetryError({ delayMs: 10 });
          }),
          ...["quick", "slow"].map((name) =>
            handle(defineJob({ name, payload: type<null>() }), ({ id }) => void runs.set(id, 1)),
          ),
        ],
        pollMs: 50,
        logger,
        ...options,
      });
      stops.push(() => worker.stop({ graceMs: 0 }));
      await worker.start();
      return { worker, logger };
    },
    async add(name: string): Promise<string> {
      return (await place.query("select id::text from pillion.enqueue($1, 'null')", [name]))[0]!.id!;
    },
    completed: async () =>
      (await place.query("select count(*)::int as n from pillion.archive where state = 'completed'"))[0]!.n!,
    reaches: (id: string, state: string) => until(async () => (await admin.job(id))!.state === state),
  };
}

/** Of the same database, through another pooler. */
async function sessionUrl(place: PooledPlace): Promise<string> {
  const pooler = await startPgBouncer({ url: inject("databaseUrl"), poolSize: 2, mode: "session" });
  onTestFinished(pooler.stop);
  const url = new URL(pooler.url);
  url.pathname = new URL(place.direct).pathname;
  return url.href;
}

test("workers that share two connections by polling alone run each job once, also keyed and limited ones, and leave nothing on them", async () => {
  const { place, admin, runs, work, completed } = await workshop();
  await admin.setQueue("narrow", { concurrency: 2 });
  await place.query("select pillion.enqueue('counted', to_jsonb(i)) from generate_series(1, 1000) i");
  await place.query(
    `select pillion.enqueue('counted', to_jsonb(i), jsonb_build_object('uniqueKey', i::text)) from generate_series(1001, 1100) i`,
  );
  await place.query(
    `select pillion.enqueue('counted', to_jsonb(i), '{"queue": "narrow"}') from generate_series(1101, 1150) i`,
  );
  const workers = [];
  for (let index = 0; index < 4; index++)
    workers.push(await work({ listen: false, queues: ["default", { name: "narrow", concurrency: 5 }] }));
  await until(async () => (await completed()) === 1150);
  expect(runs.size).toBe(1150);
  expect([...runs.values()].filter((times) => times === 2)).toHaveLength(115);
  expect([...runs.values()].filter((times) => times > 2)).toEqual([]);
  const attempts = await place.query(
    "select outcome, count(*)::int as n from pillion.attempts group by outcome order by outcome::text",
  );
  expect(attempts).toEqual([
    { outcome: "completed", n: 1150 },
    { outcome: "failed", n: 115 },
  ]);
  for (const { worker } of workers) await worker.stop();
  const said = workers.flatMap(({ logger }) => logger.lines);
  expect(said.filter((line) => !/ failed: RetryError: /.test(line))).toEqual([]);
  expect(await place.leftovers()).toEqual(nothing);
});

test("a worker that is given nothing but the pooler does not listen through it, says so, and polls", async () => {
  const { place, work, add, reaches } = await workshop();
  const { worker, logger } = await work();
  const id = await add("quick");
  await reaches(id, "completed");
  await until(() => logger.lines.length > 0);
  // It holds nothing while it is idle, and leaves nothing when it goes.
  expect(await place.leftovers()).toEqual(nothing);
  await worker.stop();
  expect(await place.leftovers()).toEqual(nothing);
  expect(logger.lines).toEqual([expect.stringContaining("`database` leads through a pooler")]);
});

test.each([
  ["a direct URL", (place: PooledPlace) => place.direct],
  ["the URL of a pooler in session mode", sessionUrl],
])("with %s to listen on, a commit through the pooler wakes a worker that sleeps", async (_, listenAt) => {
  const { place, work, reaches } = await workshop();
  // Longer than any test may take: what runs was found by no poll, and by no beat.
  const never = 3_600_000;
  const { logger } = await work({ listen: await listenAt(place), pollMs: never, leaseMs: never });
  await until(
    async () =>
      (
        await place.query(
          "select from pg_locks where locktype = 'advisory' and granted and mode = 'ExclusiveLock' and classid = 'pillion.job'::regclass",
        )
      ).length > 0,
  );
  expect(await place.leftovers()).toEqual(nothing);
  const pool = new pg.Pool({ connectionString: place.pooled, max: 1 });
  onTestFinished(() => pool.end());
  const client = await pool.connect();
  await client.query("begin");
  const { id } = await enqueue(client, counted(1));
  await client.query("commit");
  client.release();
  await reaches(id, "completed");
  expect(logger.lines).toEqual([]);
});

test("jobs of a worker behind the pooler that is killed run elsewhere once its lease is over", async () => {
  const { place, admin, work, add, reaches } = await workshop();
  const id = await add("slow");
  const other = await workerProcess({ url: place.pooled, schema: "pillion" }, { leaseMs: 1_000 });
  await other.says(`started ${id}`);
  other.child.kill("SIGKILL");
  await other.exited;
  await work({ listen: false });
  await reaches(id, "completed");
  const { attempts } = (await admin.job(id))!;
  expect(attempts.map(({ outcome }) => outcome)).toEqual(["lost", "completed"]);
  expect(await place.leftovers()).toEqual(nothing);
});

test("SIGTERM hands running jobs back through the pooler, without counting an attempt", async () => {
  const { place, admin, work, add, reaches } = await workshop();
  const id = await add("slow");
  const other = await workerProcess({ url: place.pooled, schema: "pillion" }, { graceMs: 50 });
  await other.says(`started ${id}`);
  await work({ listen: false });
  other.child.kill("SIGTERM");
  expect(await other.exited).toEqual([0, null]);
  await reaches(id, "completed");
  const { attempt, attempts } = (await admin.job(id))!;
  expect(attempt).toBe(1);
  expect(attempts.map(({ outcome }) => outcome)).toEqual(["released", "completed"]);
  expect(await place.leftovers()).toEqual(nothing);
});
