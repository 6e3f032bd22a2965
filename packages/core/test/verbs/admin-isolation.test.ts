import { randomUUID } from "node:crypto";
import { defineJob, type } from "@pillion/core";
import { type Admin, createAdmin } from "@pillion/core/admin";
import { migrate } from "@pillion/core/migrate";
import { scratchDatabase } from "@pillion/dev-postgres";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from "vitest";
import { until } from "../worker/queue.ts";

// Two who change the same at the same time: one waits for the other, whatever the default isolation level is.

let url: string;
let drop: () => Promise<void>;
let looker: pg.Client;
beforeAll(async () => {
  ({ url, drop } = await scratchDatabase(inject("databaseUrl"), "isolation"));
  await migrate({ database: url });
  looker = new pg.Client(url);
  await looker.connect();
});
afterAll(async () => {
  await looker.end();
  await drop();
});

/** Whoever connects from now on has it. */
async function setDefault(level: string): Promise<void> {
  const name = new URL(url).pathname.slice(1);
  await looker.query(`alter database ${name} set default_transaction_isolation = '${level}'`);
}

function ownAdmin(): Admin {
  const admin = createAdmin({ database: url });
  onTestFinished(() => admin.close());
  return admin;
}

/** Three jobs of a name and queue of their own. */
async function jobs(state: "scheduled" | "dead"): Promise<string> {
  const name = `n${randomUUID()}`;
  await looker.query("select pillion.enqueue($1, to_jsonb(i), $2::jsonb) from generate_series(1, 3) i", [
    name,
    JSON.stringify({ queue: name, delayMs: 3_600_000 }),
  ]);
  if (state === "dead") {
    await looker.query("select pillion.cancel(jsonb_build_object('name', $1::text))", [name]);
    await looker.query("update pillion.archive set state = 'dead' where name = $1", [name]);
  }
  return name;
}

/** Changes rows for nothing; commits once so many connections wait for that. */
async function whileHeld<T extends readonly unknown[]>(
  update: string,
  name: string,
  fn: () => { [Index in keyof T]: Promise<T[Index]> },
): Promise<T> {
  // Another connection looks meanwhile: in a transaction activity is what it was at the first look.
  const holder = new pg.Client(url);
  await holder.connect();
  onTestFinished(() => holder.end());
  await holder.query("begin isolation level read committed");
  expect((await holder.query(update, [name])).rowCount).toBeGreaterThan(0);
  const begun = fn();
  const done = Promise.all(begun);
  done.catch(() => {});
  await until(async () => {
    const { rows } = await looker.query(
      "select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    return rows[0].n === begun.length;
  });
  await holder.query("commit");
  return done as Promise<unknown> as Promise<T>;
}
const touchJobs = "update pillion.job set run_at = run_at where name = $1";
const touchEnded = "update pillion.archive set finished_at = finished_at where name = $1";
const touchQueue = "update pillion.queue set fifo = fifo where name = $1";

describe.each(["read committed", "repeatable read", "serializable"])("where %s is the default", (level) => {
  beforeAll(() => setDefault(level));

  test("two admins change the same waiting jobs: both wait, and each job is changed by both", async () => {
    const [one, other, name] = [ownAdmin(), ownAdmin(), await jobs("scheduled")];
    const counts = await whileHeld(touchJobs, name, () => [
      one.reschedule({ name }, { delayMs: 1_000_000 }),
      other.reschedule({ queue: name }, { delayMs: 2_000_000 }),
    ]);
    expect(counts).toEqual([{ count: 3 }, { count: 3 }]);
    const cancelled = await whileHeld(touchJobs, name, () => [one.purge(name), other.cancel({ name })]);
    expect(cancelled.map(({ count }) => count).sort()).toEqual([0, 3]);
  });

  test("two admins bring the same dead jobs back: one of them does, once", async () => {
    const [one, other, name] = [ownAdmin(), ownAdmin(), await jobs("dead")];
    const counts = await whileHeld(touchEnded, name, () => [one.redrive({ name }), other.retry({ name })]);
    expect(counts.map(({ count }) => count).sort()).toEqual([0, 3]);
    expect((await one.jobs({ name })).map(({ state }) => state)).toEqual(["ready", "ready", "ready"]);
  });

  test("two admins set the same queue", async () => {
    const [one, other, name] = [ownAdmin(), ownAdmin(), `q${randomUUID()}`];
    await one.setQueue(name, { concurrency: 1 });
    await whileHeld(touchQueue, name, () => [other.pause(name), one.setQueue(name, { concurrency: 2 })]);
    await whileHeld(touchQueue, name, () => [one.resume(name), other.setQueue(name, { fifo: true })]);
    expect((await one.queues()).find((queue) => queue.name === name)).toMatchObject({
      pausedAt: null,
      settings: { concurrency: 2, fifo: true },
    });
  });

  test("not even the first statement is begun at another level", async () => {
    await looker.query(`
      create function strict() returns trigger language plpgsql as $$ begin
        if current_setting('transaction_isolation') <> 'read committed' then raise 'at another level'; end if;
        return new;
      end $$;
      create trigger strict before insert on pillion.queue for each row execute function strict()`);
    onTestFinished(async () => void (await looker.query("drop function strict cascade")));
    await ownAdmin().setQueue(`q${randomUUID()}`, { concurrency: 1 });
  });

  test("two admins enqueue with a key that waits: both are told the one job", async () => {
    const [one, other, name] = [ownAdmin(), ownAdmin(), `n${randomUUID()}`];
    const job = defineJob({ name, payload: type<null>() })(null, { uniqueKey: "k", delayMs: 3_600_000 });
    const { id } = await one.enqueue(job);
    const told = await whileHeld(touchJobs, name, () => [one.enqueue(job), other.enqueue(job)]);
    expect(told).toEqual([told[1], { id, created: false, state: "scheduled" }]);
  });
});

test("a default that changes while an admin lives is noticed where it refuses a statement, which is done once", async () => {
  await setDefault("read committed");
  const [admin, name] = [ownAdmin(), await jobs("dead")];
  await admin.queues();
  await setDefault("serializable");
  // Its connections are replaced by some that have the new default.
  await looker.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
  );
  await until(() =>
    admin.queues().then(
      () => true,
      () => false,
    ),
  );
  const [count] = await whileHeld(touchEnded, name, () => [admin.redrive({ name })]);
  expect(count).toEqual({ count: 3 });
  expect(await admin.jobs({ name })).toHaveLength(3);
});
