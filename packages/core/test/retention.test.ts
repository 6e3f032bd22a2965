import { defaults, defineJob, type } from "@pillion/core";
import { createWorker, handle } from "@pillion/core/worker";
import pg from "pg";
import { afterEach, beforeEach, expect, inject, onTestFinished, test } from "vitest";
import { postgresEngine } from "../src/postgres/engine.ts";
import { type TestQueue, testQueue } from "./worker/queue.ts";

let queue: TestQueue;
beforeEach(async () => {
  queue = await testQueue();
});
const open: pg.Client[] = [];
afterEach(async () => {
  for (const client of open.splice(0)) await client.end();
  await queue.drop();
});

const dayMs = 86_400_000;
const good = defineJob({ name: "good", payload: type<null>() });
const bad = defineJob({ name: "bad", payload: type<null>(), backoff: { type: "fixed", delayMs: 0 } });

/** Runs what is enqueued to its end. */
async function run(queues: string[] = ["default"]): Promise<void> {
  const worker = createWorker({
    database: queue.pool,
    schema: queue.schema,
    queues,
    logger: false,
    handlers: [
      handle(good, () => {}),
      handle(bad, () => {
        throw new Error("no");
      }),
    ],
  });
  await worker.runOnce();
}

interface Kept {
  readonly made: string[];
  readonly dropped: string[];
  readonly put_off: string[];
}

/** One call of keep, when so many days have gone by. */
async function keep(days: number, client: pg.ClientBase | pg.Pool = queue.pool): Promise<Kept> {
  const text = `select * from ${queue.schema}.keep(statement_timestamp() + $1 * interval '1 day')`;
  return (await client.query(text, [days])).rows[0] as Kept;
}

/** Calls keep until nothing is left to do. */
async function keepAll(days: number): Promise<void> {
  for (let left = true; left; ) {
    const { made, dropped, put_off } = await keep(days);
    expect(put_off).toEqual([]);
    left = made.length + dropped.length > 0;
  }
}

const partitionOf = async (id: string) =>
  (
    await queue.query(
      "select relname from pillion.archive a join pg_class c on c.oid = a.tableoid where id = $1",
      [id],
    )
  )[0]?.relname as string | undefined;
const daysOf = async (table: string): Promise<string[]> =>
  (await queue.query(`select day::text from pillion.kept('pillion.${table}') order by day`)).map(
    ({ day }) => day!,
  );

/** A transaction that has read a table, as a dump does, and stays open. */
async function reading(table: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: queue.url });
  await client.connect();
  open.push(client);
  await client.query(`begin; select from ${queue.schema}.${table}`);
  return client;
}

test("after migrate the first job to finish already has a partition of its day", async () => {
  const id = await queue.add("good");
  await run();
  expect(await partitionOf(id)).toMatch(/^archive_\d{8}$/);
});

test("a finished job is found for as long as its queue and state say, and then its partition is dropped whole", async () => {
  await queue.query(`insert into pillion.queue (name, keep_completed_ms, keep_dead_ms) values
    ('brief', 0, ${2 * dayMs}), ('long', ${400 * dayMs}, null)`);
  const kept: [id: string, leastDays: number, grainDays: number][] = [
    [await queue.add("good", null, { queue: "brief" }), 0, 1],
    [await queue.add("bad", null, { queue: "brief", maxAttempts: 1 }), 2, 1],
    [await queue.add("good"), 7, 1],
    [await queue.add("bad", null, { queue: "long", maxAttempts: 1 }), 90, 14],
    [await queue.add("good", null, { queue: "long" }), 400, 91],
  ];
  await run(["default", "brief", "long"]);
  for (const [id, least, grain] of kept) {
    const partition = await partitionOf(id);
    await keepAll(least);
    expect(await queue.admin.job(id), `job ${id} after ${least} days`).toBeDefined();
    await keepAll(least + grain);
    expect(await queue.admin.job(id), `job ${id} after ${least + grain} days`).toBeUndefined();
    expect(
      await queue.query("select from pg_class where relname = $1 and relnamespace = to_regnamespace($2)", [
        partition,
        queue.schema,
      ]),
    ).toEqual([]);
  }
  expect(await queue.query("select from pillion.archive")).toEqual([]);
});

test("months later a dead job is found in one call, with every attempt", async () => {
  const id = await queue.add("bad", null, { maxAttempts: 3 });
  while ((await queue.admin.job(id))!.state !== "dead") await run();
  await keepAll(89);
  const { state, attempts } = (await queue.admin.job(id))!;
  expect(state).toBe("dead");
  expect(attempts.map(({ outcome, error }) => [outcome, error!.message])).toEqual([
    ["failed", "no"],
    ["failed", "no"],
    ["dead", "no"],
  ]);
});

test("while a dump runs, completions go on and keep gives up; afterwards it does what it left", async () => {
  const before = await queue.add("good");
  await run();
  const dump = await reading("attempts");
  const late = keep(30);
  const id = await queue.add("good");
  await run();
  expect((await queue.admin.job(id))!.state).toBe("completed");
  expect(await late).toEqual({
    made: [],
    dropped: [],
    put_off: [
      expect.stringMatching(/^make archive_\d{8}: somebody has the default partition open$/),
      expect.stringMatching(/^drop archive_\d{8}: somebody has the table open$/),
      expect.stringMatching(/^make attempt_\d{8}: somebody has the default partition open$/),
    ],
  });
  await dump.query("commit");
  await keepAll(30);
  expect(await queue.admin.job(before)).toBeUndefined();
  const ahead = await queue.query(
    "select a.day::text from pillion.days_ahead('pillion.archive', now() + interval '30 days') a(day)",
  );
  expect(await daysOf("archive")).toEqual(expect.arrayContaining(ahead.map(({ day }) => day)));
});

test("a completion whose day has no partition lands in the default, which then becomes one itself", async () => {
  // The dump keeps the workers from making what is missing.
  for (const day of await daysOf("archive"))
    await queue.query(`drop table pillion.archive_${day.replaceAll("-", "")}`);
  const dump = await reading("archive");
  const ids = [await queue.add("good"), await queue.add("bad", null, { maxAttempts: 1 })];
  await run();
  for (const id of ids) expect(await partitionOf(id)).toBe("archive_default");
  expect((await keep(0)).put_off).toContain("empty archive_default: somebody has the table open");
  await dump.query("commit");

  await keepAll(0);
  for (const id of ids) {
    expect(await partitionOf(id)).toMatch(/^archive_\d{8}$/);
    expect(await queue.admin.job(id)).toBeDefined();
  }
  const next = await queue.add("good");
  await run();
  expect(await partitionOf(next)).not.toBe("archive_default");
  await keepAll(105);
  for (const id of [...ids, next]) expect(await queue.admin.job(id)).toBeUndefined();
});

test("a default partition that is too large to be read under lock is left alone, and named", async () => {
  for (const day of await daysOf("archive"))
    await queue.query(`drop table pillion.archive_${day.replaceAll("-", "")}`);
  const dump = await reading("archive");
  const id = await queue.add("good");
  await run();
  await dump.query("commit");
  const [kept] = await queue.query("select put_off from pillion.keep(most_bytes => 1)");
  expect(kept!.put_off).toContainEqual(
    expect.stringMatching(
      /^empty archive_default: it has \d+ kB; call keep with a larger most_bytes in a quiet hour$/,
    ),
  );
  expect(await partitionOf(id)).toBe("archive_default");
});

test("after a month without a worker the days to come are there at the first call, and the past goes one at a time", async () => {
  for (let day = 0; day < 3; day++) await keep(day);
  const past = (await daysOf("archive")).filter((day) => Date.parse(day) < Date.now() + 30 * dayMs);
  expect(past.length).toBe(5);
  const first = await keep(38);
  expect(first.put_off).toEqual([]);
  const nextDays = [46, 47, 48].map((day) => new Date(Date.now() + day * dayMs).toISOString().slice(0, 10));
  expect(await daysOf("archive")).toEqual(expect.arrayContaining(nextDays));
  for (let left = past.length - 1; left > 0; left--) expect((await keep(38)).dropped).toHaveLength(1);
  expect((await keep(38)).dropped).toEqual([]);
});

test("how long a queue keeps is known with the partitions for it, and a rollback leaves neither", async () => {
  const before = await daysOf("archive");
  const insert = `insert into pillion.queue (name, keep_completed_ms) values ('q', ${20 * dayMs})`;
  await queue.query(`begin; ${insert}; rollback`);
  expect(await daysOf("archive")).toEqual(before);
  await queue.query(insert);
  const id = await queue.add("good", null, { queue: "q" });
  await run(["q"]);
  expect(await partitionOf(id)).toMatch(/^archive_\d{8}$/);
  expect((await daysOf("archive")).length).toBe(before.length + 3);
});

test.each([-1, 3_650 * dayMs + 1])("a queue cannot keep its jobs for %i ms", async (ms) => {
  await expect(
    queue.query(`insert into pillion.queue (name, keep_dead_ms) values ('q', ${ms})`),
  ).rejects.toMatchObject({ code: "23514" });
});

test("two that keep at once: one does the work, the other says so and waits for nothing", async () => {
  const other = await queue.pool.connect();
  await other.query("begin");
  await keep(30, other);
  expect(await keep(30)).toEqual({ made: [], dropped: [], put_off: ["all: another connection is at it"] });
  await other.query("rollback");
  other.release();
});

test("a worker that may create nothing keeps the partitions", async () => {
  const role = `${queue.name}_worker`;
  await queue.pool.query(`create role ${role} login`);
  onTestFinished(async () => {
    // By then the database has gone, and with it what the role was given there.
    const client = new pg.Client({ connectionString: inject("databaseUrl") });
    await client.connect();
    await client.query(`drop role ${role}`);
    await client.end();
  });
  await queue.query(`select pillion.allow($1, 'worker')`, [role]);
  const client = await queue.pool.connect();
  await client.query(`set role ${role}`);
  await expect(client.query(`create table ${queue.schema}.mine (id integer)`)).rejects.toMatchObject({
    code: "42501",
  });
  expect((await keep(30, client)).dropped).toEqual([expect.stringMatching(/^archive_/)]);
  await client.query("reset role");
  client.release();
});

test("however long queues keep their jobs, there are never more than 120 partitions", async () => {
  const [days] = await queue.query(`
    select count(distinct day)::int as archive from (
      select pillion.keep_day(now() + ago * interval '1 day', keep * ${dayMs}::bigint) as day
      from generate_series(-3650, 2, 73) ago, generate_series(0, 3650, 1) keep) d
    where day > now() at time zone 'UTC'`);
  expect(days!.archive).toBeLessThanOrEqual(120);
  expect(days!.archive).toBeGreaterThan(90);
});

test("every partition has an index by which a job is found", async () => {
  await keepAll(8);
  const rows = await queue.query(`
    select c.relname, array(select pg_get_indexdef(indexrelid) from pg_index where indrelid = c.oid) as indexes
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent in ('pillion.archive'::regclass, 'pillion.attempt'::regclass)`);
  expect(rows.length).toBeGreaterThan(6);
  for (const { relname, indexes } of rows)
    expect(indexes).toContainEqual(
      expect.stringMatching(String(relname).startsWith("archive") ? / \(id\)$/ : / \(job\)$/),
    );
});

test("whoever asks for a job reads no partition whole, however old the statistics are", async () => {
  const id = await queue.add("good");
  await run();
  const partition = await partitionOf(id);
  await queue.query(`
    insert into pillion.archive (id, queue, name, state, version, priority, attempt, created_at, run_at, finished_at,
                                 enqueued_xid, payload, keep_until)
    select g, 'default', 'good', 'completed', 1, 0, 1, now(), now(), now(), '1', 'null', keep_until
    from generate_series(1000000, 1020000) g, (select keep_until from pillion.archive) a`);
  const engine = postgresEngine(queue.schema);
  for (const { text, values } of [
    engine.findJob({ id }),
    engine.findEndings({ ids: Array.from({ length: 200 }, (_, n) => String(1_000_000 + n)) }),
  ]) {
    const { rows } = await queue.pool.query(`explain ${text}`, [...values]);
    const scans = rows.map((row) => row["QUERY PLAN"]).filter((line) => line.includes(` on ${partition}`));
    expect(scans.length).toBeGreaterThan(0);
    for (const scan of scans) expect(scan).not.toMatch(/Seq Scan/);
  }
});

test("what core says of the usual times is what the database does", async () => {
  for (const [state, ms] of Object.entries(defaults.keepMs)) {
    const [row] = await queue.query(
      `select pillion.keep_until(null, $1, now()) = pillion.keep_day(now(), $2) as same`,
      [state, ms],
    );
    expect(row!.same, state).toBe(true);
  }
});
