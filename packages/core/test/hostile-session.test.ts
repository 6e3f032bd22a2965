import { defineJob, type } from "@pillion/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { added, adds, formNames, forms, heldName } from "./every-form.ts";
import { type OwnQueue, ownQueue } from "./own-queue.ts";

let queue: OwnQueue;
let decoys: string;
beforeAll(async () => {
  queue = await ownQueue("hostile");
  decoys = `${queue.schema}_decoys`;
  await queue.query(`create schema ${decoys}; create function ${decoys}.trap() returns boolean language plpgsql as
    $$ begin raise 'a decoy was called' using errcode = 'P0666'; end $$`);
  // Whatever is written without its schema finds these first.
  for (const type of ["text", "timestamptz", "integer", "bigint", "jsonb"]) {
    await queue.query(
      `create function ${decoys}.same(${type}, ${type}) returns boolean language sql as 'select ${decoys}.trap()'`,
    );
    for (const operator of ["=", ">", "<>", "<", "||"])
      await queue.query(
        `create operator ${decoys}.${operator} (leftarg = ${type}, rightarg = ${type}, function = ${decoys}.same)`,
      );
  }
  for (const [name, args] of [
    ["statement_timestamp", ""],
    ["pg_current_xact_id", ""],
    ["current_query", ""],
    ["hashtext", "text"],
    ["pg_notify", "text, text"],
    ["pg_try_advisory_xact_lock_shared", "integer, integer"],
    ["jsonb_array_elements", "jsonb"],
    ["split_part", "text, text, integer"],
    ["nextval", "regclass"],
  ])
    await queue.query(
      `create function ${decoys}.${name}(${args}) returns boolean language sql as 'select ${decoys}.trap()'`,
    );
  for (const table of ["job", "guard", "unique_key", "archive", "position"])
    await queue.query(`create table ${decoys}.${table} (id integer)`);
});
afterAll(async () => {
  await queue.query(`drop schema ${decoys} cascade`);
  await queue.drop();
});

const sessions = {
  "a search_path of decoys": () => ({ search_path: decoys }),
  "an empty search_path": () => ({ search_path: "" }),
  "backslashes that escape": () => ({
    standard_conforming_strings: "off",
    backslash_quote: "on",
    escape_string_warning: "off",
  }),
  "dates and times of elsewhere": () => ({
    DateStyle: "SQL,DMY",
    IntervalStyle: "sql_standard",
    TimeZone: "Pacific/Chatham",
  }),
  "row security that must not be bypassed": () => ({ row_security: "off" }),
  "serializable, deferrable transactions": () => ({
    default_transaction_isolation: "serializable",
    default_transaction_deferrable: "on",
  }),
  "plans of another kind": () => ({
    plan_cache_mode: "force_generic_plan",
    enable_indexscan: "off",
    enable_seqscan: "off",
  }),
  "every plan compiled": () => ({ jit: "on", jit_above_cost: "0" }),
  "nulls that equal": () => ({ transform_null_equals: "on", array_nulls: "off" }),
};

test.each(
  Object.entries(sessions).flatMap(([what, settings]) =>
    formNames.map((form) => [form, what, settings] as const),
  ),
)("%s: is enqueued and guarded in a session with %s", async (form, _, settings) => {
  const client = await queue.connect(settings());
  const name = await heldName(queue);
  await expect(forms[form](queue, client, name)).rejects.toMatchObject({ code: "25P01" });
  await client.query("begin");
  await forms[form](queue, client, name);
  await client.query("commit");
  expect(await added(queue, name)).toBe(adds[form]);
});

test.each(formNames)(
  "%s: the guard is not fooled by a search_path that hides pg_catalog when it fires",
  async (form) => {
    const tx = await queue.begin();
    const name = await heldName(queue);
    await forms[form](queue, tx, name);
    await tx.query(`set search_path = ${decoys}, pg_catalog`);
    await expect(tx.query("select from (select 1 as one) s where one = 1")).rejects.toMatchObject({
      code: "P0666",
    });
    await tx.query("rollback");

    await tx.query("begin");
    await tx.query("set search_path = pg_catalog");
    await forms[form](queue, tx, name);
    await tx.query(`set search_path = ${decoys}, pg_catalog`);
    await tx.query("commit");
    expect(await added(queue, name)).toBe(adds[form]);
  },
);

const due = defineJob({ name: "due", payload: type<unknown>() });
// Texts that a session could read as something else.
const payload = { 'it\'s \\ "so"': ["\\'; drop table job; --", "\\u0041", "é😀", "$1", "%s"] };

test.each(Object.entries(sessions))(
  "times and texts are what they were in a session with %s",
  async (_, settings) => {
    const client = await queue.connect(settings());
    const runAt = [
      new Date("2031-02-03T04:05:06.789Z"),
      new Date("0044-03-15T12:00:00Z"),
      new Date("-000043-03-15T12:00:00Z"),
    ];
    const key = { uniqueKey: `it's \\ "so" ${runAt.length}`, partitionKey: "\\n" };
    await client.query("begin");
    const answers = [
      ...(await queue.verbs.enqueueMany(
        client,
        runAt.map((runAt) => due(payload, { runAt, partitionKey: "\\n" })),
      )),
      await queue.verbs.enqueue(client, due(payload, { runAt: runAt[0], partitionKey: "\\n" })),
      await queue.verbs.enqueue(client, due(payload, { runAt: runAt[0], ...key })),
    ];
    await client.query("commit");
    const rows = await queue.query(
      "select id::text, payload, partition_key, run_at from pillion.job where id = any($1::text[]::bigint[]) order by id",
      [answers.map(({ id }) => id)],
    );
    await queue.query("delete from pillion.unique_key where name = 'due'");
    expect(rows.map(({ payload }) => payload)).toEqual(answers.map(() => payload));
    expect(rows.map(({ partition_key }) => partition_key)).toEqual(answers.map(() => "\\n"));
    expect(rows.map(({ run_at }) => Number(run_at))).toEqual([...runAt, runAt[0], runAt[0]].map(Number));
  },
);
