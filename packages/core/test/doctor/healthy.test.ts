import { defineJob, type } from "@pillion/core";
import { diagnose } from "@pillion/core/admin";
import { migrate } from "@pillion/core/migrate";
import { createWorker, handle } from "@pillion/core/worker";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { listeningLogger, until } from "../worker/queue.ts";
import { ownDatabase, ownRole } from "./own-database.ts";

const echo = defineJob({ name: "echo", payload: type<number>() });

test("a database that has just been migrated has no findings, and everything in it is looked at", async () => {
  const { url, diagnose } = await ownDatabase();
  const { findings, severity, looked, omitted } = await diagnose({ applicationDatabase: url });
  expect(findings).toEqual([]);
  expect(severity).toBeNull();
  expect(looked.length).toBeGreaterThan(15);
  expect(omitted).toEqual([]);
});

test("a queue at work, with a role of each kind, has no findings", async () => {
  const database = await ownDatabase();
  const { name } = await ownRole(database);
  for (const kind of ["enqueuer", "worker", "operator", "reader", "tester"])
    await database.query("select pillion.allow($1, $2)", [name, kind]);
  const worker = createWorker({
    database: database.url,
    handlers: [handle(echo, () => {})],
    logger: listeningLogger(),
  });
  onTestFinished(() => worker.stop());
  await worker.start();
  await database.query(`select pillion.enqueue('echo', to_jsonb(i)) from generate_series(1, 100) i`);
  await until(async () => (await database.query("select from pillion.archive")).length === 100);
  expect((await database.diagnose()).findings).toEqual([]);
});

test("a diagnosis takes a pool, a client or a URL, a schema of any name, and leaves nothing on a client", async () => {
  const database = await ownDatabase();
  const schema = `Pillion "Jobs"`;
  await migrate({ database: database.url, schema });
  const client = await database.connect();
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  onTestFinished(() => pool.end());
  const settings = "select name, setting from pg_settings where source = 'session' order by name";
  const before = await client.query(settings);
  for (const given of [database.url, pool, client])
    expect(await diagnose({ database: given, schema })).toMatchObject({ findings: [] });
  expect((await client.query(settings)).rows).toEqual(before.rows);
  expect((await client.query("select pg_listening_channels()")).rows).toEqual([]);
  expect(client.listenerCount("notification")).toBe(0);
});

test("a diagnosis reads a bounded part of a long queue, also where nobody has analyzed it", async () => {
  const { query, found } = await ownDatabase();
  await query(
    `insert into pillion.job (queue, name, payload, partition_key, run_at)
     select 'q' || i % 3, 'n', '1', case when i % 2 = 0 then i::text end, now() - interval '1 hour' from generate_series(1, 60000) i`,
  );
  await query(
    `insert into pillion.worker (label, queues, names, concurrency, lease_ms, started_at, heartbeat_at)
     values ('w', '{}', '{}', 1, 600000, now(), now())`,
  );
  const read = async () =>
    (
      await query("select seq_scan::int, idx_tup_fetch::int from pg_stat_user_tables where relname = 'job'")
    )[0]!;
  const before = await read();
  // Each queue, however long those before it are.
  expect(await found("NAME_UNHANDLED")).toHaveLength(3);
  expect(await found("QUEUE_LATE")).toHaveLength(3);
  // The diagnosis' connection tells the statistics as it ends.
  await until(async () => (await read()).idx_tup_fetch! > before.idx_tup_fetch! + 8_000);
  const after = await read();
  expect(after.seq_scan).toBe(before.seq_scan);
  // Twice 8,000 for the names, and one for each of a thousand keys.
  expect(after.idx_tup_fetch! - before.idx_tup_fetch!).toBeLessThan(25_000);
});

test("a look that takes too long is cancelled, and told as such", async () => {
  const { connect, found } = await ownDatabase();
  const holder = await connect();
  await holder.query("begin; lock table pillion.worker in access exclusive mode");
  const findings = await found("CANNOT_LOOK", { statementMs: 300 });
  expect(findings.map(({ what }) => what)).toContainEqual(
    expect.stringMatching(/^Not looked at: workers without heartbeat, .*timeout/),
  );
  expect(findings[0]!.mend).toBe("npx pillion doctor --timeout 60s");
});

test.each([
  [{ oldestMs: -1 }, "oldestMs"],
  [{ heldMs: 1.5 }, "heldMs"],
  [{ statementMs: 0 }, "statementMs"],
  [{ nonsense: 1 }, "nonsense"],
])("a limit that cannot be is refused by name: %j", async (limits, name) => {
  await expect(diagnose({ database: "postgres://127.0.0.1:1/x", ...limits })).rejects.toMatchObject({
    code: "INVALID_CONFIGURATION",
    message: expect.stringContaining(name),
  });
});

test("what has no connection to give is refused", async () => {
  await expect(diagnose({ database: { name: "Kysely", run: async () => [] } })).rejects.toMatchObject({
    code: "INVALID_CONFIGURATION",
    message: expect.stringContaining("a Kysely"),
  });
});
