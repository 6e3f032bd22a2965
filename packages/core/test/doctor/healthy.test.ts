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
