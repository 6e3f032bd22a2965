import type pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { type Engine, postgresEngine } from "../../src/postgres/engine.ts";
import type { Statement } from "../../src/statement.ts";
import { type TestQueue, testQueue } from "./queue.ts";

const error = { name: "Error", message: "no" };
const settlements = (ids: readonly string[]) => ids.map((id) => ({ id, claim: "7" }));
const running =
  "update pillion.job set state = 'running', attempt = 1, max_attempts = 2, worker = (select min(id) from pillion.worker), claim = 7, started_at = now()";
const silent = "update pillion.worker set heartbeat_at = now() - interval '1 hour'";
const statuses = (rows: readonly pg.QueryResultRow[]) => rows.map(({ status }) => status);

interface Scene {
  /** What makes five jobs, made by then, those that the statement is about. */
  readonly prepare?: string;
  /** The row that a transaction has locked, where it is not the third job's. */
  readonly locks?: string;
  readonly statement: (engine: Engine, ids: readonly string[], worker: string) => Statement;
  /** What it answers while one row is locked, and once it is free; a sweep's rows are counted instead. */
  readonly answers?: (rows: readonly pg.QueryResultRow[]) => unknown;
  readonly first?: unknown;
  readonly second?: unknown;
}

const settled = ["done", "done", "busy", "done", "done"];
const later = ["lost", "lost", "done", "lost", "lost"];
const many = (rows: readonly pg.QueryResultRow[]) => rows.length;
const scenes: Readonly<Record<string, Scene>> = {
  "a retry": {
    prepare: running,
    statement: (engine, ids) =>
      engine.retry({ settlements: settlements(ids).map((one) => ({ ...one, delayMs: 0, error })) }),
    answers: statuses,
    first: settled,
    second: later,
  },
  "a discard": {
    prepare: running,
    statement: (engine, ids) =>
      engine.discard({ settlements: settlements(ids).map((one) => ({ ...one, state: "dead", error })) }),
    answers: statuses,
    first: settled,
    second: later,
  },
  "a release": {
    prepare: running,
    statement: (engine, ids) => engine.release({ settlements: settlements(ids) }),
    answers: statuses,
    first: settled,
    second: later,
  },
  "the mark of a start": {
    prepare: running,
    statement: (engine, ids) => engine.markStarted({ settlements: settlements(ids) }),
    answers: statuses,
    first: settled,
    second: ["done", "done", "done", "done", "done"],
  },
  "a rescue": {
    prepare: `${running}; ${silent}`,
    statement: (engine) => engine.rescue({ limit: 10 }),
    answers: many,
    first: 4,
    second: 1,
  },
  "a beat": {
    prepare: running,
    statement: (engine, _, worker) =>
      engine.tick({ worker, since: "0", asleep: [], lanes: [], types: [], most: 10 }),
    answers: ([row]) => JSON.parse(row!.answer).held.length,
    first: 5,
    second: 5,
  },
  "what makes scheduled jobs ready": {
    prepare: "update pillion.job set state = 'scheduled', run_at = now() - interval '1 s'",
    statement: (engine) => engine.promote({ limit: 10 }),
    answers: ([row]) => row!.promoted,
    first: "4",
    second: "1",
  },
  "a claim": {
    statement: (engine, _, worker) =>
      engine.claim({
        worker,
        lanes: [{ queue: "default", priority: 0, bound: 0 }],
        types: [{ name: "plain", version: 1 }],
        most: 10,
        free: 10,
      }),
    answers: ([row]) => JSON.parse(row!.answer).length - 1,
    first: 4,
    second: 1,
  },
  "a claim by key": {
    prepare: "update pillion.job set partition_key = 'k'",
    statement: (engine, _, worker) =>
      engine.claimByKey({
        worker,
        queue: "default",
        after: "",
        types: [{ name: "plain", version: 1 }],
        most: 10,
        slots: undefined,
        lanes: [],
        lines: undefined,
      }),
    answers: ([row]) => JSON.parse(row!.answer).length - 1,
    first: 4,
    second: 1,
  },
  "a sweep of keys": {
    prepare:
      "insert into pillion.unique_key (name, key, job, until) select 'plain', i::text, 1000 + i, 'finished' from generate_series(1, 5) i",
    locks: "select from pillion.unique_key where key = '3'",
    statement: (engine) => engine.sweepKeys({ limit: 10, after: { name: "", key: "" } }),
  },
  "a sweep of answers": {
    prepare:
      "insert into pillion.idempotency (scope, key, xid, answered, expires_at) select 's', i::text, '1', true, now() from generate_series(1, 5) i",
    locks: "select from pillion.idempotency where key = '3'",
    statement: (engine) => engine.sweepAnswers({ limit: 10 }),
  },
  "a sweep of events": {
    prepare:
      "insert into pillion.event (name, key, payload, expires_at) select 'e', i::text, '1', now() from generate_series(1, 5) i",
    locks: "select from pillion.event where key = '3'",
    statement: (engine) => engine.sweepEvents({ limit: 10 }),
  },
  "a sweep of steps": {
    prepare:
      "insert into pillion.checkpoint (job, ordinal, kind, name, done) select 1000 + i, 1, 'step', 's', true from generate_series(1, 5) i",
    locks: "select from pillion.checkpoint where job = 1003",
    statement: (engine) => engine.sweepSteps({ limit: 10, after: "0" }),
  },
};

/** How many rows are left in the tables that are swept. */
const left = (queue: TestQueue) =>
  queue.query(
    "select ((select count(*) from pillion.unique_key) + (select count(*) from pillion.idempotency) + (select count(*) from pillion.event) + (select count(*) from pillion.checkpoint))::int as n",
  );

test.each(Object.entries(scenes))(
  "%s waits for no row that somebody has locked: it does the others, and comes back",
  async (_, scene) => {
    const queue = await testQueue();
    onTestFinished(() => queue.drop());
    const engine = postgresEngine(queue.schema);
    const [{ id: worker }] = (await queue.query(
      "insert into pillion.worker (label, queues, names, concurrency, lease_ms, started_at, heartbeat_at) values ('w', '{default}', '{plain}', 9, 60000, now(), now()) returning id::text",
    )) as [Record<string, never>];
    const ids: string[] = [];
    for (let index = 0; index < 5; index++) ids.push(await queue.add("plain"));
    for (const text of scene.prepare?.split("; ") ?? []) await queue.query(text);
    const [patient, hasty] = [await queue.pool.connect(), await queue.pool.connect()];
    try {
      await patient.query("begin");
      const locks = scene.locks ?? `select from pillion.job where id = ${ids[2]}`;
      expect(
        (await patient.query(`${locks.replaceAll("pillion.", `${queue.schema}.`)} for update`)).rowCount,
      ).toBe(1);
      // Who waits fails by it, and not by the time that a test may take.
      await hasty.query("set lock_timeout = '1s'");
      const send = async () => {
        const { text, values } = scene.statement(engine, ids, worker!);
        const { rows } = await hasty.query(text, [...values]);
        return scene.answers?.(rows);
      };
      const swept = scene.locks !== undefined;
      expect(await send()).toEqual(scene.first);
      if (swept) expect(await left(queue)).toEqual([{ n: 1 }]);
      await patient.query("rollback");
      expect(await send()).toEqual(scene.second);
      if (swept) expect(await left(queue)).toEqual([{ n: 0 }]);
    } finally {
      await hasty.query("reset lock_timeout");
      hasty.release();
      await patient.query("rollback");
      patient.release();
    }
  },
);
