import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { added, adds, formNames, forms, heldName } from "./every-form.ts";
import { type OwnQueue, ownQueue } from "./own-queue.ts";

let queue: OwnQueue;
beforeAll(async () => {
  queue = await ownQueue("accepts");
  // A role without any right, beside those that everybody has.
  await queue.query(`create role "${queue.schema}_nobody"`);
});
afterAll(async () => {
  await queue.query(`drop role "${queue.schema}_nobody"`);
  await queue.drop();
});

test.each(
  ["set role", "set local role", "set session authorization"].flatMap((become) =>
    formNames.map((form) => [form, become] as const),
  ),
)("%s: a transaction commits after `%s` to a role without any right", async (form, become) => {
  const tx = await queue.begin();
  const name = await heldName(queue);
  await forms[form](queue, tx, name);
  await tx.query(`${become} "${queue.schema}_nobody"`);
  await tx.query("commit");
  expect(await added(queue, name)).toBe(adds[form]);
  expect(await queue.query("select from pillion.guard")).toEqual([]);
});

test.each(
  ["nobody sleeps", "a worker sleeps, and it wrote before"].flatMap((when) =>
    formNames.map((form) => [form, when] as const),
  ),
)("%s: a prepared transaction is committed, by whomever, where %s", async (form, when) => {
  const [allowed] = await queue.query("select current_setting('max_prepared_transactions')::int as at_most");
  const tx = await queue.begin();
  const name = await heldName(queue);
  if (when !== "nobody sleeps") {
    const sleeper = await queue.connect();
    const lock =
      "select pg_advisory_lock('pillion.job'::regclass::oid::int4, hashtext(q)) from unnest('{default,mail}'::text[]) q";
    await queue.query(lock, [], sleeper);
    await tx.query("select pg_current_xact_id()");
  }
  await forms[form](queue, tx, name);
  const prepare = `prepare transaction '${queue.schema}'`;
  if (Number(allowed!.at_most) === 0) {
    await expect(tx.query(prepare)).rejects.toMatchObject({ code: "55000" });
    expect(await added(queue, name)).toBe(0);
    return;
  }
  await tx.query(prepare);
  expect(await added(queue, name)).toBe(0);
  await queue.query(`commit prepared '${queue.schema}'`);
  expect(await added(queue, name)).toBe(adds[form]);
});

test("a deferred constraint of the user's own that fails at COMMIT takes the jobs with it, and is the error", async () => {
  const table = `${queue.schema}.orders`;
  await queue.query(`create table ${table} (id integer unique deferrable initially deferred)`);
  for (const form of formNames) {
    const tx = await queue.begin();
    const name = await heldName(queue);
    await tx.query(`insert into ${table} values (1)`);
    await forms[form](queue, tx, name);
    await tx.query(`insert into ${table} values (1)`);
    await expect(tx.query("commit")).rejects.toMatchObject({ code: "23505", table: "orders" });
    expect(await added(queue, name)).toBe(0);
  }
});

test("rows that a dump or a person copies in are taken as they are, guard and all, in autocommit", async () => {
  const tx = await queue.begin();
  await forms.batch(queue, tx, await heldName(queue));
  await tx.query("commit");
  const dumped = await queue.query(
    "select guard::text, name, payload::text from pillion.job where guard is not null",
  );
  expect(dumped.length).toBeGreaterThan(0);

  const client = await queue.connect();
  await copyIn(
    client,
    `copy ${queue.schema}.job (guard, name, payload) from stdin`,
    dumped.map(({ guard, payload }) => `${guard}\tcopied.in\t${payload}\n`),
  );
  await queue.query("insert into pillion.job (name, payload) values ('written.by.hand', '1')", [], client);
  const names = await queue.names();
  expect(names.filter((name) => name === "copied.in")).toHaveLength(dumped.length);
  expect(names).toContain("written.by.hand");
});

test("a session that applies another server's changes enqueues too", async () => {
  for (const form of formNames) {
    const tx = await queue.begin({ session_replication_role: "replica" });
    const name = await heldName(queue);
    await forms[form](queue, tx, name);
    await tx.query("commit");
    expect(await added(queue, name)).toBe(adds[form]);
  }
  await queue.query("delete from pillion.guard");
});

test("in a read-only session the database's own error comes through, and a transaction that may write enqueues", async () => {
  const client = await queue.connect({ default_transaction_read_only: "on" });
  for (const form of formNames) {
    const name = await heldName(queue);
    await client.query("begin");
    await expect(forms[form](queue, client, name)).rejects.toMatchObject({ code: "25006" });
    await client.query("rollback");
    await client.query("begin read write");
    await forms[form](queue, client, name);
    await client.query("commit");
    expect(await added(queue, name)).toBe(adds[form]);
  }
});

test("a temporary table of the session with one of our names is not taken for ours", async () => {
  const tx = await queue.begin();
  for (const table of ["job", "guard", "unique_key", "archive"])
    await tx.query(`create temp table ${table} (id integer)`);
  for (const form of formNames) {
    const name = await heldName(queue);
    await forms[form](queue, tx, name);
    await tx.query("commit");
    expect(await added(queue, name)).toBe(adds[form]);
    await tx.query("begin");
  }
});

/** Runs COPY … FROM STDIN, for which pg has no method of its own. */
function copyIn(client: pg.Client, statement: string, lines: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const query = Object.assign(new pg.Query(statement), {
      handleCopyInResponse(connection: { sendCopyFromChunk(chunk: Buffer): void; endCopyFrom(): void }) {
        connection.sendCopyFromChunk(Buffer.from(lines.join("")));
        connection.endCopyFrom();
      },
    });
    query.on("end", () => resolve()).on("error", reject);
    client.query(query);
  });
}
