import { defineJob, type } from "@pillion/core";
import { createAdmin } from "@pillion/core/admin";
import { currentVersion, migrate } from "@pillion/core/migrate";
import { createWorker, handle } from "@pillion/core/worker";
import pg from "pg";
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from "vitest";
import { migrateWith } from "../../src/migrate/migrate.ts";
import { type OwnQueue, ownQueue } from "../own-queue.ts";
import { urlWith } from "../url-with.ts";
import { until } from "../worker/queue.ts";
import { nextRelease } from "./next-release.ts";

const url = inject("databaseUrl");
let client: pg.Client;
beforeAll(async () => {
  client = new pg.Client({ connectionString: url });
  await client.connect();
});
afterAll(() => client.end());

const echo = defineJob({ name: "echo", payload: type<number>() });

/** A queue of the present release, for one test. */
async function present(): Promise<OwnQueue> {
  const queue = await ownQueue("upgrade");
  onTestFinished(() => queue.drop());
  return queue;
}

test("an older worker and an older enqueuer go on while a newer schema arrives, and start on it", async () => {
  const queue = await present();
  const { schema } = queue;
  const admin = createAdmin({ database: queue.pool, schema });
  const started = async () => {
    const worker = createWorker({ database: url, schema, logger: false, handlers: [handle(echo, () => {})] });
    onTestFinished(() => worker.stop());
    await worker.start();
  };
  await started();
  let stopped = false;
  const ids: string[] = [];
  const enqueuing = (async () => {
    for (let round = 0; !stopped; round++) {
      const tx = await queue.pool.connect();
      await tx.query("begin");
      const jobs = [echo(round), echo(round, { uniqueKey: String(round) })];
      for (const { id } of await queue.verbs.enqueueMany(tx, jobs)) ids.push(id);
      await tx.query("commit");
      tx.release();
    }
  })();
  const completed = async () =>
    Number((await queue.query("select count(*) as n from pillion.archive where state = 'completed'"))[0]!.n);
  await until(async () => (await completed()) > 50);
  expect(await migrateWith(nextRelease, { database: url, schema })).toMatchObject({ applied: ["future"] });
  const before = ids.length;
  await until(() => ids.length > before + 50);
  // Others of this release start, and claim, complete and look, on the schema of the next one.
  await started();
  stopped = true;
  await enqueuing;
  await until(async () => (await completed()) === ids.length);
  expect(await admin.job(ids.at(-1)!)).toMatchObject({ state: "completed" });
  await admin.close();
});

/** Somebody who has read the jobs, and whose transaction stays open. */
async function report(queue: OwnQueue): Promise<pg.Client> {
  const reader = await queue.begin({ application_name: "month's end" });
  await queue.query("select count(*) from pillion.job", [], reader);
  return reader;
}

test("a migration that waits for a lock lets those go on who would wait behind it, and is done once the lock is free", async () => {
  const queue = await present();
  const { schema } = queue;
  const reader = await report(queue);
  const database = urlWith({ application_name: `migrates ${schema}` });
  const migrated = migrateWith(nextRelease, { database, schema, lockTimeoutMs: 300, patienceMs: 600_000 });
  let over = false;
  const ended = () => {
    over = true;
  };
  migrated.then(ended, ended);
  for (let time = 0; time < 2; time++) {
    await until(async () => {
      const { rowCount } = await client.query(
        "select from pg_stat_activity where application_name = $1 and wait_event_type = 'Lock'",
        [`migrates ${schema}`],
      );
      return over || rowCount === 1;
    });
    // It would wait for the reader's end, were the migration to wait for it.
    await queue.query("select pillion.enqueue('meanwhile', '1')");
  }
  expect(over).toBe(false);
  await reader.query("commit");
  expect(await migrated).toMatchObject({ applied: ["future"] });
  expect(await queue.names()).toEqual(["meanwhile", "meanwhile"]);
});

test("a migration that gets no lock for longer than its patience says who holds it, and has changed nothing", async () => {
  const queue = await present();
  const { schema } = queue;
  const reader = await report(queue);
  const { rows } = await reader.query("select pg_backend_pid() as pid");
  await expect(
    migrateWith(nextRelease, { database: url, schema, lockTimeoutMs: 50, patienceMs: 1 }),
  ).rejects.toMatchObject({
    code: "SCHEMA_LOCKED",
    retryable: true,
    message: expect.stringContaining(`process ${rows[0].pid} (month's end) has had a transaction open`),
    cause: { code: "55P03" },
  });
  expect(await queue.query("select max(version) as version from pillion.migration")).toEqual([
    { version: currentVersion },
  ]);
  expect(await queue.query("select to_regclass('pillion.future') as made")).toEqual([{ made: null }]);
});

test.each([
  [{ lockTimeoutMs: 0 }, "lockTimeoutMs is 0, not a whole number from 1 to 60000."],
  [{ patienceMs: 1.5 }, "patienceMs is 1.5, not a whole number from 1 to 86400000."],
])("migrate refuses %o before it connects", async (options, message) => {
  await expect(migrate({ database: "postgres://nowhere.invalid/x", ...options })).rejects.toThrow(message);
});
