import { spawn } from "node:child_process";
import { once } from "node:events";
import { currentVersion, type MigrateResult, migrate, migrationSql, removalSql } from "@pillion/core/migrate";
import { scratchSchema } from "@pillion/dev-postgres";
import { builtProgram } from "@pillion/dev-program";
import pg from "pg";
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from "vitest";
import { urlWith } from "../url-with.ts";
import { catalogOf } from "./catalog.ts";

const url = inject("databaseUrl");
const client = new pg.Client({ connectionString: url });
beforeAll(() => client.connect());
afterAll(() => client.end());

const majorVersion = "select current_setting('server_version_num')::int / 10000 as major";

/** An empty schema for one test. */
async function ownSchema(): Promise<string> {
  const schema = await scratchSchema(url, "migrate");
  onTestFinished(() => schema.drop());
  return schema.name;
}

test("the schema is what sql/schema.sql says", async () => {
  const schema = await ownSchema();
  await migrate({ database: url, schema });
  const header =
    "-- What the migrations add up to, read back from a server's catalog. Written by `vitest -u`, not by hand.\n";
  // Another server writes some expressions in other words.
  const { rows } = await client.query(majorVersion);
  const text = header + (await catalogOf(client, schema));
  if (rows[0].major === 18) await expect(text).toMatchFileSnapshot("../../sql/schema.sql");
  else expect(text).toContain("create table pillion.job (");
});

test("of eight processes that migrate at once, one does the work and the others find it done", async () => {
  const schema = await ownSchema();
  const program = await builtProgram(new URL("./migrate-once.ts", import.meta.url));
  const answers = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const child = spawn(process.execPath, [program, url, schema], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const closed = once(child, "close");
      let said = "";
      for await (const chunk of child.stdout.setEncoding("utf8")) said += chunk;
      expect(await closed).toEqual([0, null]);
      return JSON.parse(said) as MigrateResult;
    }),
  );
  expect(answers.map(({ to }) => to)).toEqual(Array(8).fill(currentVersion));
  const worked = answers.filter(({ applied }) => applied.length > 0);
  expect(worked).toHaveLength(1);
  expect(worked[0]!.from).toBe(0);
});

test("a dry run says what would be applied, and changes nothing", async () => {
  const schema = await ownSchema();
  const dry = await migrate({ database: url, schema, dryRun: true });
  const before = await client.query("select to_regclass($1) as found", [`${schema}.job`]);
  expect(before.rows).toEqual([{ found: null }]);
  expect(await migrate({ database: url, schema })).toEqual(dry);
  expect(await migrate({ database: url, schema, dryRun: true })).toMatchObject({ applied: [] });
});

test("an upgrade in pieces comes to the same schema, and never goes back", async () => {
  const [inPieces, atOnce] = [await ownSchema(), await ownSchema()];
  for (let to = 1; to <= currentVersion; to++)
    expect(await migrate({ database: url, schema: inPieces, to })).toMatchObject({ from: to - 1, to });
  await migrate({ database: url, schema: atOnce });
  expect(await catalogOf(client, inPieces)).toBe(await catalogOf(client, atOnce));
  await expect(migrate({ database: url, schema: inPieces, to: 1 })).rejects.toThrow("never goes back to 1");
  for (const to of [0, 1.5, currentVersion + 1, Number.NaN])
    await expect(migrate({ database: url, schema: inPieces, to })).rejects.toThrow(
      "not a whole number from 1",
    );
});

test("migrating again changes nothing, and keeps the jobs", async () => {
  const schema = await ownSchema();
  await migrate({ database: url, schema });
  await client.query(`select "${schema}".enqueue('kept', '1')`);
  const before = await catalogOf(client, schema);
  expect(await migrate({ database: url, schema })).toEqual({
    from: currentVersion,
    to: currentVersion,
    applied: [],
  });
  expect(await catalogOf(client, schema)).toBe(before);
  const { rows } = await client.query(`select name from "${schema}".job`);
  expect(rows).toEqual([{ name: "kept" }]);
});

test.each([
  ["a URL", async (fn: (database: string) => Promise<unknown>) => fn(url)],
  [
    "a pool of one",
    async (fn: (database: pg.Pool) => Promise<unknown>) => {
      const pool = new pg.Pool({ connectionString: url, max: 1 });
      await fn(pool);
      expect((await pool.query("select current_setting('statement_timeout') as left")).rows).toEqual([
        { left: "0" },
      ]);
      await pool.end();
    },
  ],
  ["a client", async (fn: (database: pg.Client) => Promise<unknown>) => fn(client)],
] as const)("migrate takes %s", async (_, give) => {
  const schema = await ownSchema();
  await give(async (database) => {
    expect(await migrate({ database, schema })).toMatchObject({ from: 0, to: currentVersion });
  });
});

test("a client with a transaction open is refused, and its transaction goes on", async () => {
  const schema = await ownSchema();
  const tx = new pg.Client({ connectionString: url });
  await tx.connect();
  onTestFinished(() => tx.end());
  await tx.query("begin; create temp table mine (id integer)");
  await expect(migrate({ database: tx, schema })).rejects.toMatchObject({
    code: "INVALID_CONFIGURATION",
    message:
      "migrate: this pg Client has a transaction open, and migrate commits its own. Pass a pool, a URL, or a client without one.",
  });
  await tx.query("insert into mine values (1); rollback");
});

/** Runs a script as psql does: one statement after the other, each by itself. */
async function runLikePsql(script: string): Promise<void> {
  for (const [statement] of script.matchAll(/(?:(\$\w*\$)[\s\S]*?\1|--[^\n]*|'[^']*'|"[^"]*"|[^;])+;/g))
    await client.query(statement);
}

test.each([
  ["as one message", (script: string) => client.query(script)],
  ["statement by statement, as psql does", runLikePsql],
  [
    "inside a migration tool's transaction",
    async (script: string) => client.query(`begin; ${script}; commit`),
  ],
])("the printed SQL, run %s, gives the schema that migrate gives", async (_, run) => {
  const [migrated, printed] = [await ownSchema(), await ownSchema()];
  await migrate({ database: url, schema: migrated });
  await run(migrationSql({ schema: printed }));
  expect(await catalogOf(client, printed)).toBe(await catalogOf(client, migrated));
  expect(await migrate({ database: url, schema: printed })).toMatchObject({ applied: [] });
});

test("the printed SQL may be repeated, and brings an older schema up to date: what is there already is left as it is", async () => {
  const [migrated, printed] = [await ownSchema(), await ownSchema()];
  await migrate({ database: url, schema: migrated });
  await migrate({ database: url, schema: printed, to: 7 });
  await client.query(`select "${printed}".enqueue('kept', '1')`);
  for (const from of [0, 7, 0]) await client.query(migrationSql({ schema: printed, from }));
  expect(await catalogOf(client, printed)).toBe(await catalogOf(client, migrated));
  expect((await client.query(`select name from "${printed}".job`)).rows).toEqual([{ name: "kept" }]);
  expect(await migrate({ database: url, schema: printed })).toMatchObject({ applied: [] });
});

test("of several that run the printed SQL at once, one does the work and the others find it done", async () => {
  const schema = await ownSchema();
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  onTestFinished(() => pool.end());
  await Promise.all(Array.from({ length: 4 }, () => pool.query(migrationSql({ schema }))));
  expect(await migrate({ database: url, schema })).toMatchObject({ from: currentVersion, applied: [] });
});

test("a printed upgrade refuses a schema that is older than what it goes on from, and changes nothing", async () => {
  const schema = await ownSchema();
  await migrate({ database: url, schema, to: 5 });
  await expect(client.query(migrationSql({ schema, from: 7 }))).rejects.toMatchObject({
    message: `The schema "${schema}" is at version 5; this migration takes it from version 7 to ${currentVersion}. Nothing was changed.`,
    hint: `Run the migrations that come before it first, or: npx pillion migrate --schema "${schema}"`,
  });
  expect(await migrate({ database: url, schema, dryRun: true })).toMatchObject({ from: 5 });
  for (const from of [-1, 1.5, currentVersion + 1])
    expect(() => migrationSql({ from })).toThrow(`from is ${from}, not a whole number from 0`);
});

test("the printed SQL takes a schema of any name, and removalSql removes it with all that is in it", async () => {
  const schema = `%s $pillion$ $pillion_1$ "${(await ownSchema()).slice(-12)}"`;
  await client.query(migrationSql({ schema }));
  expect(await migrate({ database: url, schema })).toMatchObject({ from: currentVersion, applied: [] });
  await client.query(removalSql({ schema }));
  const left = "select from pg_namespace where nspname = $1";
  expect((await client.query(left, [schema])).rowCount).toBe(0);
});

test("a role or database that is set to cut work short cuts no migration short", async () => {
  const { rows } = await client.query(majorVersion);
  const schema = await ownSchema();
  const settings = {
    lock_timeout: "1",
    statement_timeout: "60",
    idle_in_transaction_session_timeout: "60",
    default_transaction_isolation: "serializable",
    default_transaction_read_only: "on",
    default_transaction_deferrable: "on",
    standard_conforming_strings: "off",
    check_function_bodies: "off",
    search_path: schema,
    DateStyle: "SQL,DMY",
    ...(rows[0].major >= 17 && { transaction_timeout: "60" }),
  };
  // Somebody else migrates, until the other has waited for longer than its role allows.
  const somebody = new pg.Client({ connectionString: url });
  await somebody.connect();
  onTestFinished(() => somebody.end());
  await somebody.query("select pg_advisory_lock(hashtextextended('pillion migrate ' || $1::text, 0))", [
    schema,
  ]);
  const migrated = migrate({ database: urlWith({ ...settings, application_name: schema }), schema });
  let over = false;
  const ended = () => {
    over = true;
  };
  migrated.then(ended, ended);
  const waited =
    "select from pg_stat_activity where application_name = $1 and wait_event_type = 'Lock' and clock_timestamp() - query_start > '100 ms'";
  while (!over && (await client.query(waited, [schema])).rowCount === 0);
  expect(over).toBe(false);
  await somebody.query("select pg_advisory_unlock_all()");
  expect(await migrated).toMatchObject({ from: 0, to: currentVersion });
});
