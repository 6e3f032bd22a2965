import { currentVersion, migrate } from "@pillion/core/migrate";
import { scratchDatabase } from "@pillion/dev-postgres";
import { beforeAll, expect, inject, onTestFinished, test } from "vitest";
import { until } from "../worker/queue.ts";
import { type OwnDatabase, ownDatabase, ownRole } from "./own-database.ts";

// Each brings about, on a real server, what one finding tells; its mend is run where it is SQL, and ends it.

/** For those that leave nothing behind. */
let shared: OwnDatabase;
beforeAll(async () => {
  const undo: (() => Promise<void>)[] = [];
  shared = await ownDatabase(undefined, (fn) => undo.unshift(fn));
  return async () => {
    for (const fn of undo) await fn();
  };
});

test("SCHEMA_MISSING: a database without the queue's tables, in which the rest is looked at all the same", async () => {
  const { diagnose } = shared;
  const { findings, severity, omitted } = await diagnose({ schema: "jobs" });
  expect(findings).toMatchObject([{ code: "SCHEMA_MISSING", mend: 'npx pillion migrate --schema "jobs"' }]);
  expect(severity).toBe("critical");
  expect(omitted).toContain("names that nobody handles");
});

test("SCHEMA_NEWER and SCHEMA_OLDER: another version than this release's", async () => {
  const { query, diagnose } = await ownDatabase();
  await query("insert into pillion.migration (version, name) values (9999, 'from the future')");
  expect((await diagnose()).findings).toMatchObject([
    { code: "SCHEMA_NEWER", severity: "warning", what: expect.stringContaining("version 9999") },
  ]);
  await query("delete from pillion.migration where version >= $1", [currentVersion]);
  expect((await diagnose()).findings).toMatchObject([
    { code: "SCHEMA_OLDER", severity: "critical", mend: "npx pillion migrate" },
  ]);
});

test("SCHEMA_HALF: what belongs to the schema's version is not there, or the record of it", async () => {
  const { query, found } = await ownDatabase();
  await query("drop function pillion.keep; drop index pillion.job_due");
  expect(await found("SCHEMA_HALF")).toMatchObject([
    { severity: "critical", what: expect.stringContaining("2 objects (function keep, index job_due)") },
  ]);
  await query("drop table pillion.migration");
  expect(await found("SCHEMA_HALF")).toMatchObject([
    { what: expect.stringContaining("the record of its migrations") },
  ]);
});

test("SCHEMA_SHARED: tables of others are in the queue's schema, where migration tools drop what they do not know", async () => {
  const { url, query, found } = await ownDatabase();
  await query('create table pillion."Order" (id integer); create table pillion.archive_kept (id integer)');
  const [shared, ...others] = await found("SCHEMA_SHARED");
  expect(others).toEqual([]);
  expect(shared).toMatchObject({
    severity: "warning",
    what: `The queue's schema "pillion" holds 1 table that is not Pillion's: pillion."Order".`,
  });
  await query(shared!.mend);
  expect(await found("SCHEMA_SHARED")).toEqual([]);
  await migrate({ database: url, schema: "public" });
  expect(await found("SCHEMA_SHARED", { schema: "public" })).toMatchObject([
    { what: expect.stringContaining('public."Order"'), mend: expect.stringContaining("npx pillion migrate") },
  ]);
});

test("READ_ONLY: connections that can write nothing", async () => {
  const { url, query, connect, found } = shared;
  const before = await connect();
  await query(`alter database ${new URL(url).pathname.slice(1)} set default_transaction_read_only = on`);
  const [finding] = await found("READ_ONLY");
  expect(finding).toMatchObject({ severity: "critical", what: expect.stringContaining("are read only") });
  await before.query(finding!.mend);
  expect(await found("READ_ONLY")).toEqual([]);
});

test("OTHER_DATABASE: the application is connected elsewhere", async () => {
  const { url, found } = shared;
  const other = await scratchDatabase(inject("databaseUrl"), "doctor");
  onTestFinished(() => other.drop());
  const name = new URL(other.url).pathname.slice(1);
  expect(await found("OTHER_DATABASE", { applicationDatabase: other.url })).toMatchObject([
    { severity: "critical", what: expect.stringContaining(`The application's database is "${name}"`) },
  ]);
  expect(await found("OTHER_DATABASE", { applicationDatabase: url })).toEqual([]);
});

test("HORIZON_HELD: who has a snapshot open, and how many dead rows it costs; IDLE_IN_TRANSACTION: and does nothing", async () => {
  const { query, connect, found } = shared;
  const holder = await connect({ application_name: "nightly report" });
  await holder.query("begin isolation level repeatable read; select 1 as reported");
  const [held, ...others] = await found("HORIZON_HELD", { heldMs: 0 });
  expect(others).toEqual([]);
  expect(held).toMatchObject({
    severity: "critical",
    what: expect.stringMatching(/application "nightly report".*idle in transaction.*select 1 as reported/),
    why: expect.stringMatching(/\d+ dead rows/),
  });
  const [idle] = await found("IDLE_IN_TRANSACTION", { idleMs: 0 });
  expect(idle).toMatchObject({
    severity: "warning",
    what: expect.stringMatching(/application "nightly report".*idle in a transaction for/),
  });
  expect(await found("HORIZON_HELD")).toEqual([]);
  expect(await found("IDLE_IN_TRANSACTION")).toEqual([]);
  await query(held!.mend);
  await until(async () => (await found("HORIZON_HELD", { heldMs: 0 })).length === 0);
  expect(await found("IDLE_IN_TRANSACTION", { idleMs: 0 })).toEqual([]);
});

test("HORIZON_HELD_BY_PREPARED: a prepared transaction that nobody ends", async () => {
  const { query, connect, found } = shared;
  const client = await connect();
  const gid = `it's ${client.database}`;
  await client.query(
    `begin; select pillion.enqueue('echo', '1'); prepare transaction '${gid.replace("'", "''")}'`,
  );
  const [held, ...others] = await found("HORIZON_HELD_BY_PREPARED", { heldMs: 0 });
  expect(others).toEqual([]);
  expect(held!.what).toContain(client.database!);
  expect(await found("HORIZON_HELD_BY_PREPARED")).toEqual([]);
  await query(held!.mend);
  expect(await found("HORIZON_HELD_BY_PREPARED", { heldMs: 0 })).toEqual([]);
});

test("DEAD_ROWS and BLOAT: a table whose rows have died, before and after a vacuum", async () => {
  const { query, connect, found } = await ownDatabase();
  await query("alter table pillion.job set (autovacuum_enabled = false)");
  // Their last row lives, so that vacuum cannot cut the table off.
  const writer = await connect();
  await writer.query("select pillion.enqueue('echo', '1') from generate_series(1, 3000)");
  await writer.query("delete from pillion.job where id < (select max(id) from pillion.job)");
  // A connection that ends tells the statistics what it has done.
  await writer.end();
  const ofJob = async (deadRows: number) =>
    (await found("DEAD_ROWS", { deadRows })).find(({ what }) => what.startsWith("pillion.job "));
  await until(async () => (await ofJob(2_999)) !== undefined);
  const dead = await ofJob(2_999);
  expect(dead!.what).toContain("2,999 dead rows beside 1 living");
  expect(await found("DEAD_ROWS")).toEqual([]);
  await query(dead!.mend);
  await until(async () => (await ofJob(1)) === undefined);

  const bloat = await found("BLOAT", { bloatBytes: 100_000 });
  expect(bloat.map(({ what }) => what)).toEqual(
    expect.arrayContaining([expect.stringMatching(/^The table pillion\.job takes .* its 1 rows need/)]),
  );
  expect(await found("BLOAT")).toEqual([]);
  for (const { mend } of bloat) await query(mend.replace("set lock_timeout = '2s'; ", ""));
  expect(await found("BLOAT", { bloatBytes: 100_000 })).toEqual([]);
});

test("INVALID_INDEX: an index whose making failed, of a stranger and of Pillion", async () => {
  const { query, found } = await ownDatabase();
  await query("select pillion.enqueue('echo', '1') from generate_series(1, 2)");
  await expect(query("create unique index concurrently by_name on pillion.job (name)")).rejects.toMatchObject(
    {
      code: "23505",
    },
  );
  const [finding, ...others] = await found("INVALID_INDEX");
  expect(others).toEqual([]);
  expect(finding).toMatchObject({ severity: "warning", what: expect.stringContaining("pillion.by_name") });
  await query(finding!.mend);
  expect(await found("INVALID_INDEX")).toEqual([]);

  await query("drop index pillion.job_due");
  await expect(query("create unique index concurrently job_due on pillion.job (name)")).rejects.toThrow();
  expect(await found("INVALID_INDEX")).toMatchObject([
    { severity: "critical", mend: "reindex index concurrently pillion.job_due;" },
  ]);
});

test("AUTOVACUUM_OFF_FOR_TABLE and AUTOVACUUM_RARE: the queue's tables are vacuumed never, or too seldom", async () => {
  const { query, diagnose } = shared;
  await query("alter table pillion.batch set (autovacuum_enabled = off)");
  await query("alter table pillion.job reset (autovacuum_vacuum_scale_factor)");
  const { findings } = await diagnose();
  expect(findings).toMatchObject([
    {
      code: "AUTOVACUUM_OFF_FOR_TABLE",
      severity: "critical",
      what: expect.stringContaining("pillion.batch"),
    },
    { code: "AUTOVACUUM_RARE", severity: "warning", what: expect.stringContaining("pillion.job") },
  ]);
  for (const { mend } of findings) await query(mend);
  expect((await diagnose()).findings).toEqual([]);
});

test("NO_WORKER, WORKER_SILENT and NAME_UNHANDLED: nobody works, one was killed, and nobody handles a name", async () => {
  const { query, diagnose } = await ownDatabase();
  await query("select pillion.enqueue('mail.send', '1')");
  const codes = async () => (await diagnose()).findings.map(({ code, severity }) => [code, severity]);
  const register = (label: string, names: string, ago: string) =>
    query(
      `insert into pillion.worker (label, queues, names, concurrency, lease_ms, started_at, heartbeat_at)
       values ($1, '{default}', $2, 1, 15000, now() - interval '1 day', now() - $3::interval) returning id::text`,
      [label, names, ago],
    );
  expect(await codes()).toEqual([["NO_WORKER", "critical"]]);
  const [stopped] = await register("cron:1", "{mail.send}", "10 s");
  await query("update pillion.worker set stopped_at = heartbeat_at where id = $1", [stopped!.id]);
  expect(await codes()).toEqual([["NO_WORKER", "info"]]);
  const [dead] = await register("web-1:4711", "{mail.send}", "2 hours");
  await register("web-2:12", "{other}", "0 s");
  const { findings } = await diagnose();
  expect(findings).toMatchObject([
    {
      code: "WORKER_SILENT",
      severity: "warning",
      what: expect.stringMatching(/^1 worker has been .*2 h.*web-1:4711/),
    },
    {
      code: "NAME_UNHANDLED",
      what: expect.stringContaining('1 job "mail.send"'),
      mend: expect.stringContaining("npx pillion cancel --name mail.send --queue default"),
    },
  ]);
  await query("update pillion.job set state = 'running', worker = $1, claim = 1, started_at = now()", [
    dead!.id,
  ]);
  expect(await codes()).toEqual([["WORKER_SILENT", "critical"]]);
});

test("QUEUE_LATE and QUEUE_PAUSED: the oldest job of each kind of line has waited for too long", async () => {
  const { query, found } = await ownDatabase();
  await query(`select pillion.enqueue('a', '1', '{"queue": "lanes"}'), pillion.enqueue('a', '1', '{"queue": "stopped"}'),
    pillion.enqueue('a', '1', '{"queue": "keys", "partitionKey": "k"}'), pillion.enqueue('a', '1', '{"queue": "later", "delayMs": 60000}')`);
  await query(`update pillion.job set run_at = now() - interval '1 hour' where queue <> 'stopped'`);
  await query(`update pillion.job set run_at = now() - interval '2 hours' where queue = 'stopped'`);
  await query(`insert into pillion.queue (name, paused_at) values ('stopped', now())`);
  const late = await found("QUEUE_LATE");
  expect(late.map(({ what }) => what.match(/queue "(\w+)" .* for (.*)\.$/)!.slice(1)).sort()).toEqual([
    ["keys", "60 min"],
    ["lanes", "60 min"],
    ["later", "60 min"],
  ]);
  expect(await found("QUEUE_PAUSED")).toMatchObject([
    { severity: "info", mend: "npx pillion resume stopped" },
  ]);
  expect(await found("QUEUE_LATE", { oldestMs: 7_000_000 })).toEqual([]);
});

test("RIGHT_MISSING: a role that was allowed something has lost a part of it", async () => {
  const database = shared;
  const expected: string[] = [];
  for (const [kind, revoke, lacks] of [
    ["enqueuer", "execute on function pillion.publish", "execute on function publish"],
    ["enqueuer", "select (state) on pillion.job", "select on table job (state)"],
    ["worker", "update on pillion.batch", "update on table batch"],
    ["worker", "usage on sequence pillion.claim", "usage on sequence claim"],
    ["operator", "insert on pillion.subscription", "insert on table subscription"],
    ["reader", "select on pillion.live", "select on table live"],
    ["tester", "usage on schema pillion", "usage on schema"],
  ] as const) {
    const { name } = await ownRole(database);
    await database.query("select pillion.allow($1, $2)", [name, kind]);
    await database.query(`revoke ${revoke} from ${name}`);
    expected.push(
      `The role "${name}" is allowed to be ${/^[eo]/.test(kind) ? "an" : "a"} ${kind}, and lacks: ${lacks}.`,
    );
  }
  const findings = await database.found("RIGHT_MISSING");
  expect(findings.map(({ what }) => what).sort()).toEqual(expected.sort());
  expect(new Set(findings.map(({ severity }) => severity))).toEqual(new Set(["critical"]));
  for (const { mend } of findings) await database.query(mend);
  expect(await database.found("RIGHT_MISSING")).toEqual([]);
});

test("PARTITION_MISSING and DEFAULT_PARTITION_USED: nobody has made partitions ahead, and jobs have ended since", async () => {
  const { query, connect, diagnose, found } = await ownDatabase();
  for (const { part } of await query("select distinct part::text from pillion.kept('pillion.archive')"))
    await query(`drop table ${part}`);
  const [missing, ...others] = await found("PARTITION_MISSING");
  expect(others).toEqual([]);
  expect(missing!.what).toMatch(/^The table pillion\.archive has no partition for \d+ days/);
  const writer = await connect();
  await writer.query("select pillion.enqueue('a', '1')");
  await writer.query("begin");
  await writer.query(`select pillion.cancel('{"name": "a"}')`);
  await writer.query("commit");
  await writer.end();
  await until(async () => (await found("DEFAULT_PARTITION_USED")).length > 0);
  const [used] = await found("DEFAULT_PARTITION_USED");
  expect(used!.what).toMatch(/^The table pillion\.archive_default holds 1 row/);
  await query(used!.mend);
  await query(missing!.mend);
  const { findings } = await diagnose();
  expect(findings).toEqual([]);
});

test("CANNOT_LOOK: what a role may not see is told with what would let it, and keeps nothing else from being looked at", async () => {
  const database = shared;
  const { name, url } = await ownRole(database);
  await database.query("select pillion.allow($1, 'reader')", [name]);
  const { findings, looked } = await database.diagnose({ database: url });
  expect(new Set(findings.map(({ code }) => code))).toEqual(new Set(["CANNOT_LOOK"]));
  expect(findings.map(({ mend }) => mend)).toContain(`grant pg_read_all_stats to ${name};`);
  expect(looked).toContain("partitions made ahead");
  // A reader may look at all that is the queue's own.
  expect(findings.filter(({ what }) => what.includes("partitions"))).toEqual([]);
});
