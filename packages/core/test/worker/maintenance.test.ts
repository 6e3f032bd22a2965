import { defineJob, type } from "@pillion/core";
import { handle } from "@pillion/core/worker";
import { expect, test } from "vitest";
import { type Engine, postgresEngine } from "../../src/postgres/engine.ts";
import type { Statement, StatementOf } from "../../src/statement.ts";
import { until } from "./queue.ts";
import { workshop } from "./workers.ts";

const plain = handle(defineJob({ name: "plain", payload: type<number>() }), () => {});

/** A queue, and its engine's statements, each of which may take ten rows. */
async function atMostTen() {
  const { queue, work } = await workshop();
  const engine = postgresEngine(queue.schema);
  const run = async <Input>(statement: StatementOf<Input>, input: Input) => {
    const { text, values } = statement(input);
    return (await queue.pool.query({ text, values: [...values] })).rows;
  };
  return { queue, work, engine, run };
}

/** Makes workers that have been silent for two days; answers the id of the first. */
const silentWorkers = (many: number) =>
  `insert into pillion.worker (label, queues, names, concurrency, lease_ms, started_at, heartbeat_at)
   select 'gone', '{default}', '{plain}', 1, 1000, now() - interval '3 days', now() - interval '2 days' from generate_series(1, ${many})
   returning id::text`;

test("a rescue takes as many jobs as it may, and those that are left the next time", async () => {
  const { queue, engine, run } = await atMostTen();
  const [worker] = await queue.query(silentWorkers(1));
  await queue.query("select pillion.enqueue('plain', to_jsonb(i)) from generate_series(1, 25) i");
  await queue.query(
    "update pillion.job set state = 'running', attempt = 1, worker = $1, claim = 1, started_at = now()",
    [worker!.id],
  );
  const taken = [];
  for (let round = 0; round < 4; round++) taken.push((await run(engine.rescue, { limit: 10 })).length);
  expect(taken).toEqual([10, 10, 5, 0]);
});

test("promoting makes as many jobs ready as it may, and those that are left the next time", async () => {
  const { queue, engine, run } = await atMostTen();
  await queue.query(
    `select pillion.enqueue('plain', to_jsonb(i), '{"delayMs": 60000}') from generate_series(1, 25) i`,
  );
  await queue.query("update pillion.job set run_at = now() - interval '1 second'");
  const promoted = [];
  for (let round = 0; round < 4; round++)
    promoted.push((await run(engine.promote, { limit: 10 }))[0]!.promoted);
  expect(promoted).toEqual(["10", "10", "5", "0"]);
});

test("a sweep of keys looks at as many as it may, and goes on from there", async () => {
  const { queue, engine, run } = await atMostTen();
  await queue.query(
    "insert into pillion.unique_key (name, key, job, until) select 'plain', lpad(i::text, 3, '0'), i, 'finished' from generate_series(1, 25) i",
  );
  const left = [];
  let after: { name: string; key: string } | undefined = { name: "", key: "" };
  while (after) {
    after = (await run(engine.sweepKeys, { limit: 10, after }))[0];
    left.push((await queue.query("select count(*)::int as n from pillion.unique_key"))[0]!.n);
  }
  expect(left).toEqual([15, 5, 0, 0]);
});

test("starts go once no rate counts them, of as many keys and rows as may be; what a rate counts stays", async () => {
  const { queue, engine, run } = await atMostTen();
  await queue.admin.setQueue("default", {
    rate: { limit: 5, perMs: 60_000 },
    keyRate: { limit: 5, perMs: 3_600_000 },
  });
  await queue.query(
    `insert into pillion.start (queue, partition_key, at, jobs)
     select q, 'k ' || i % 4, now() - interval '2 hours' * (i % 2) - interval '1 minute', 1
     from generate_series(1, 24) i, unnest(array['default', 'without a rate']) q`,
  );
  const removed = [];
  let after = { queue: "", key: "" };
  for (;;) {
    const [last]: { queue: string; key: string; removed: string }[] = await run(engine.sweepStarts, {
      keys: 3,
      limit: 10,
      after,
    });
    if (!last) break;
    removed.push(Number(last.removed));
    // There may be more of these keys.
    if (last.removed !== "10") after = last;
  }
  // Half of those of the first three keys; then it is the rows that end a sweep.
  expect(removed.slice(0, 3)).toEqual([6, 10, 10]);
  expect(removed.reduce((sum, rows) => sum + rows)).toBe(36);
  expect(
    await queue.query(
      "select queue, count(*)::int as n, bool_and(at > now() - interval '1 hour') as counts from pillion.start group by queue",
    ),
  ).toEqual([{ queue: "default", n: 12, counts: true }]);
});

test("a worker removes starts that no rate counts any more, however many", async () => {
  const { queue, work } = await atMostTen();
  await queue.query(
    `insert into pillion.start (queue, partition_key, at, jobs)
     select 'default', i % 2, now() - interval '1 hour', 1 from generate_series(1, 12000) i`,
  );
  await work([plain]);
  await until(async () => (await queue.query("select from pillion.start limit 1")).length === 0);
});

test.each<[name: string, prepare: string, sweep: (engine: Engine) => Statement, table: string]>([
  [
    "answers of idempotent calls",
    "insert into pillion.idempotency (scope, key, xid, answered, expires_at) select 's', i::text, '1', true, now() from generate_series(1, 25) i",
    (engine) => engine.sweepAnswers({ limit: 10 }),
    "idempotency",
  ],
  [
    "events",
    "insert into pillion.event (name, key, payload, expires_at) select 'e', i::text, '1', now() from generate_series(1, 25) i",
    (engine) => engine.sweepEvents({ limit: 10 }),
    "event",
  ],
  [
    "steps",
    "insert into pillion.checkpoint (job, ordinal, kind, name, done) select 1000 + i, 1, 'step', 's', true from generate_series(1, 25) i",
    (engine) => engine.sweepSteps({ limit: 10, after: "0" }),
    "checkpoint",
  ],
])(
  "a sweep of %s removes as many as it may, and those that are left the next time",
  async (_, prepare, sweep, table) => {
    const { queue, engine } = await atMostTen();
    await queue.query(prepare);
    const left = [];
    for (let round = 0; round < 3; round++) {
      const { text, values } = sweep(engine);
      await queue.pool.query(text, [...values]);
      left.push((await queue.query(`select count(*)::int as n from pillion.${table}`))[0]!.n);
    }
    expect(left).toEqual([15, 5, 0]);
  },
);

test("the books are opened again on as many workers as may be that hold jobs though they have stopped, or are not there", async () => {
  const { queue, engine, run } = await atMostTen();
  await queue.query(silentWorkers(25));
  await queue.query("update pillion.worker set stopped_at = now()");
  await queue.query("select pillion.enqueue('plain', to_jsonb(i)) from generate_series(1, 25) i");
  await queue.query(
    "update pillion.job j set state = 'running', worker = w.id, claim = 1 from (select id, row_number() over (order by id) as n from pillion.worker) w where j.payload = to_jsonb(w.n)",
  );
  const opened = [];
  for (let round = 0; round < 4; round++) opened.push((await run(engine.reopen, { limit: 10 })).length);
  expect(opened).toEqual([10, 10, 5, 0]);
  await queue.query("delete from pillion.worker");
  // It looks at the first ten that hold jobs: who is there again is passed on to the rescue, and holds none then.
  expect(await run(engine.reinstate, { limit: 10 })).toHaveLength(10);
  await queue.query("delete from pillion.job where worker in (select id from pillion.worker)");
  expect(await run(engine.reinstate, { limit: 10 })).toHaveLength(10);
});

test("a look at schedules reads as many as it may", async () => {
  const { queue, engine, run } = await atMostTen();
  await queue.query(
    "insert into pillion.schedule (name, job_name, payload, every_ms) select 's ' || i, 'plain', 'null', 100 from generate_series(1, 25) i",
  );
  const rows = await run(engine.dueSchedules, { limit: 10, except: [] });
  expect(rows.filter(({ name }) => name !== null)).toHaveLength(10);
});

test("the books on silent workers are closed on as many as may be, and on one that somebody has locked the next time", async () => {
  const { queue, engine, run } = await atMostTen();
  const [first] = await queue.query(silentWorkers(25));
  const client = await queue.pool.connect();
  await client.query("begin");
  await client.query(`select from ${queue.schema}.worker where id = $1 for update`, [first!.id]);
  const closed = [];
  for (let round = 0; round < 4; round++) closed.push((await run(engine.forgetSilent, { limit: 10 })).length);
  await client.query("rollback");
  client.release();
  expect(closed).toEqual([10, 10, 4, 0]);
  expect(await run(engine.forgetSilent, { limit: 10 })).toEqual([{ id: first!.id }]);
});

test("workers that have stopped a month ago are removed, as many as may be; not who holds a job, or is locked, or stopped later", async () => {
  const { queue, engine, run } = await atMostTen();
  const rows = await queue.query(silentWorkers(27));
  const [holding, locked, later] = rows.map(({ id }) => id);
  await queue.query("update pillion.worker set stopped_at = now() - interval '31 days'");
  await queue.query("update pillion.worker set stopped_at = now() - interval '29 days' where id = $1", [
    later,
  ]);
  await queue.add("plain", 1);
  await queue.query("update pillion.job set state = 'running', worker = $1, claim = 1", [holding]);
  const client = await queue.pool.connect();
  await client.query("begin");
  await client.query(`select from ${queue.schema}.worker where id = $1 for update`, [locked]);
  const removed = [];
  for (let round = 0; round < 4; round++)
    removed.push((await run(engine.removeStopped, { limit: 10 })).length);
  await client.query("rollback");
  client.release();
  expect(removed).toEqual([10, 10, 4, 0]);
  expect(await run(engine.removeStopped, { limit: 10 })).toEqual([{ id: locked }]);
  expect(await queue.query("select id::text from pillion.worker order by id")).toEqual([
    { id: holding },
    { id: later },
  ]);
});

test("a worker keeps house: who has been silent for a day has stopped, who stopped a month ago is gone, who fell silent today is seen", async () => {
  const { queue, work } = await atMostTen();
  const [today, yesterday, longAgo] = (await queue.query(silentWorkers(3))).map(({ id }) => id);
  await queue.query("update pillion.worker set heartbeat_at = now() - interval '23 hours' where id = $1", [
    today,
  ]);
  await queue.query("update pillion.worker set heartbeat_at = now() - interval '31 days' where id = $1", [
    longAgo,
  ]);
  await work([plain]);
  await until(
    async () => (await queue.query("select from pillion.worker where id = $1", [longAgo])).length === 0,
  );
  const state = "select stopped_at is null as silent from pillion.worker where id = $1";
  expect(await queue.query(state, [yesterday])).toEqual([{ silent: false }]);
  expect(await queue.query(state, [today])).toEqual([{ silent: true }]);
});

test("jobs whose worker is not in the database are rescued as if it were silent", async () => {
  const { queue, work } = await atMostTen();
  const id = await queue.add("plain", 1);
  await queue.query(
    "update pillion.job set state = 'running', attempt = 1, worker = 4711, claim = 1, started_at = now()",
  );
  await work([plain]);
  const silent =
    "update pillion.worker set heartbeat_at = now() - interval '1 hour' where id = 4711 returning id";
  await until(async () => (await queue.query(silent)).length === 1);
  await queue.reaches(id, "completed");
  expect((await queue.admin.job(id))!.attempts.map(({ outcome }) => outcome)).toEqual(["lost", "completed"]);
});

test("a worker whose row was removed goes on as another one", async () => {
  const { queue, work } = await atMostTen();
  const { logger } = await work([plain]);
  const [{ id: before }] = (await queue.query("delete from pillion.worker returning id::text")) as [
    Record<string, never>,
  ];
  await until(async () => (await queue.query("select from pillion.worker")).length === 1);
  await queue.reaches(await queue.add("plain", 1), "completed");
  const [after] = await queue.query("select id::text, names from pillion.worker");
  expect(after).toEqual({ id: expect.not.stringMatching(`^${before}$`), names: ["plain"] });
  expect(logger.lines).toEqual([expect.stringContaining(`worker ${before} was no longer in the database`)]);
});

test("cancellations that were late are delivered in as many as may be at a beat", async () => {
  const { queue } = await atMostTen();
  await queue.query(
    "insert into pillion.cancellation (worker, claim, job, at) select 7, 1, i, now() from generate_series(1, 25) i",
  );
  const left = [];
  const [worker] = await queue.query(silentWorkers(1));
  for (let round = 0; round < 3; round++) {
    await queue.query("select pillion.tick($1, 0, '{}', '{}', '{}', '{}', '{}', '{}', 10)", [worker!.id]);
    left.push((await queue.query("select count(*)::int as n from pillion.cancellation"))[0]!.n);
  }
  expect(left).toEqual([15, 5, 0]);
});

test("a job with a time that never comes, written by hand, keeps no other from becoming ready", async () => {
  const { queue, work } = await atMostTen();
  const never = await queue.add("plain", 1, { delayMs: 60_000 });
  await queue.query("update pillion.job set run_at = 'infinity' where id = $1", [never]);
  const due = await queue.add("plain", 2, { delayMs: 100 });
  const { logger } = await work([plain]);
  await queue.reaches(due, "completed");
  expect(logger.lines).toEqual([]);
});

test("a job of a silent worker that cannot be written to the archive is named, and keeps no other from being rescued", async () => {
  const { queue, work } = await atMostTen();
  const [worker] = await queue.query(silentWorkers(1));
  const ids = [];
  for (let payload = 1; payload <= 5; payload++)
    ids.push(await queue.add("plain", payload, { maxAttempts: payload < 4 ? 1 : 2 }));
  await queue.query(
    "update pillion.job set state = 'running', attempt = 1, worker = $1, claim = 1, started_at = now()",
    [worker!.id],
  );
  await queue.query("alter table pillion.archive add constraint no_two check (payload <> '2')");
  const { logger } = await work([plain]);
  for (const [index, state] of ["dead", "running", "dead", "completed", "completed"].entries())
    await queue.reaches(ids[index]!, state as "dead");
  expect(logger.lines).toContainEqual(
    expect.stringMatching(/could not rescue jobs of silent workers: .*no_two/),
  );
  await queue.query("alter table pillion.archive drop constraint no_two");
  await queue.reaches(ids[1]!, "dead");
});
