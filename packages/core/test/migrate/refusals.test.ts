import { defineJob, type } from "@pillion/core";
import { createAdmin } from "@pillion/core/admin";
import { currentVersion, migrate } from "@pillion/core/migrate";
import { createWorker, handle } from "@pillion/core/worker";
import pg from "pg";
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from "vitest";
import { type OwnQueue, ownQueue } from "../own-queue.ts";
import { urlWith } from "../url-with.ts";

const url = inject("databaseUrl");
let queue: OwnQueue;
beforeAll(async () => {
  queue = await ownQueue("refusals");
});
afterAll(() => queue.drop());

const echo = defineJob({ name: "echo", payload: type<number>() });

/** A schema's name of a test's own, dropped at its end. */
function newName(): string {
  const name = `${queue.schema}_${++names}`;
  onTestFinished(async () => void (await queue.pool.query(`drop schema if exists ${name} cascade`)));
  return name;
}
let names = 0;

/** Everything that meets the schema, with the error that it meets there. */
async function everywhere(schema: string, error: object): Promise<void> {
  const tx = await queue.begin();
  const verbs = queue.verbs.configure({ schema });
  for (const jobs of [[echo(1)], [echo(1), echo(2)], [echo(1, { uniqueKey: "k" })]]) {
    await tx.query("savepoint before");
    await expect(verbs.enqueueMany(tx, jobs)).rejects.toMatchObject(error);
    await tx.query("rollback to savepoint before");
  }
  await expect(verbs.enqueueStandalone(queue.pool, echo(1))).rejects.toMatchObject(error);
  const worker = createWorker({ database: url, schema, logger: false, handlers: [handle(echo, () => {})] });
  await expect(worker.start()).rejects.toMatchObject(error);
  await worker.stop();
  const admin = createAdmin({ database: queue.pool, schema });
  await expect(admin.job("1")).rejects.toMatchObject(error);
  await admin.close();
}

test("a missing schema is SCHEMA_OUTDATED wherever it is met, with the command that mends it", async () => {
  const schema = newName();
  await everywhere(schema, {
    code: "SCHEMA_OUTDATED",
    message: expect.stringContaining(`npx pillion migrate --schema "${schema}"`),
  });
});

test("the command is one that a shell takes, whatever the schema is named", async () => {
  const tx = await queue.begin();
  for (const [schema, option] of [
    ["Pillion Jobs", '"Pillion Jobs"'],
    ["the $HOME of `jobs`!", "'the $HOME of `jobs`!'"],
    ['"jobs"', "'\"jobs\"'"],
  ] as const) {
    await tx.query("savepoint before");
    await expect(queue.verbs.configure({ schema }).enqueue(tx, echo(1))).rejects.toMatchObject({
      message: `The schema "${schema}" of this database is missing or does not fit this release of Pillion (SQLSTATE 3F000). Run: npx pillion migrate --schema ${option}`,
      cause: { code: "3F000" },
    });
    await tx.query("rollback to savepoint before");
  }
});

test("a schema of an older release is SCHEMA_OUTDATED wherever it is met, with the command that mends it", async () => {
  const schema = newName();
  await migrate({ database: url, schema });
  // What a release to come will have added is what this one has.
  await queue.pool.query(`delete from ${schema}.migration; insert into ${schema}.migration values (0, 'older');
    drop function ${schema}.enqueue_one; drop function ${schema}.enqueue_keyed; drop view ${schema}.attempts; alter table ${schema}.job drop column headers cascade`);
  await everywhere(schema, {
    code: "SCHEMA_OUTDATED",
    message: expect.stringContaining(`npx pillion migrate --schema "${schema}"`),
  });
});

test("a schema of a newer release is left alone by migrate, and enqueued into", async () => {
  const schema = newName();
  await migrate({ database: url, schema });
  await queue.pool.query(`insert into ${schema}.migration values (9999, 'from the future')`);
  await expect(migrate({ database: url, schema })).rejects.toMatchObject({
    code: "SCHEMA_OUTDATED",
    message: `The schema "${schema}" is at version 9999; this release of Pillion knows versions up to ${currentVersion}. Nothing was changed. Use a newer release of the package pillion.`,
  });
  const tx = await queue.begin();
  expect(await queue.verbs.configure({ schema }).enqueue(tx, echo(1))).toMatchObject({ created: true });
});

test("a migration that fails leaves nothing behind, and its client as it was", async () => {
  const schema = newName();
  await queue.pool.query(`create schema ${schema}; create table ${schema}.archive (id integer)`);
  const client = await queue.connect();
  await expect(migrate({ database: client, schema })).rejects.toMatchObject({ code: "42P07" });
  const { rows } = await client.query(
    "select relname, txid_current_if_assigned() as xid from pg_class where relnamespace = $1::regnamespace",
    [schema],
  );
  expect(rows).toEqual([{ relname: "archive", xid: null }]);
});

test.each(["SQL_ASCII", "LATIN1"])(
  "a database that stores text as %s is refused, and nothing is created in it",
  async (encoding) => {
    const name = `${queue.schema}_${encoding.toLowerCase()}`;
    await queue.pool.query(
      `create database ${name} template template0 encoding '${encoding}' lc_collate 'C' lc_ctype 'C'`,
    );
    onTestFinished(async () => void (await queue.pool.query(`drop database ${name} with (force)`)));
    const database = new URL(url);
    database.pathname = `/${name}`;
    await expect(migrate({ database: database.href })).rejects.toMatchObject({
      code: "INVALID_CONFIGURATION",
      message: `This database stores text as ${encoding}; Pillion needs a database with ENCODING 'UTF8'.`,
    });
    const client = new pg.Client({ connectionString: database.href });
    await client.connect();
    expect((await client.query("select to_regnamespace('pillion') as schema")).rows).toEqual([
      { schema: null },
    ]);
    await client.end();
  },
);

test("a role that may not create schemas is refused by the database, and migrates a schema that it owns", async () => {
  const schema = newName();
  const role = { name: `${schema}_role`, password: "only-for-this-test" };
  await queue.pool.query(`create role ${role.name} login password '${role.password}'`);
  onTestFinished(async () => {
    await queue.pool.query(`drop owned by ${role.name} cascade; drop role ${role.name}`);
  });
  const database = urlWith({}, role);
  await expect(migrate({ database, schema })).rejects.toMatchObject({
    code: "42501",
    message: expect.stringContaining("permission denied for database"),
  });
  await queue.pool.query(`create schema ${schema} authorization ${role.name}`);
  expect(await migrate({ database, schema })).toMatchObject({ from: 0, to: currentVersion });
});
