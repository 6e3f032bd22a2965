import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Context } from "../context.ts";
import { accepted } from "../expect.ts";
import { enqueueInEveryForm, jobsOfEveryForm } from "../forms.ts";
import { withSettings } from "../place.ts";
import type { Case, Suite } from "../suite.ts";

/** What a role or a database may set for its sessions, one and all. */
const settings = {
  default_transaction_isolation: "serializable",
  default_transaction_deferrable: "on",
  statement_timeout: "30000",
  lock_timeout: "30000",
  idle_in_transaction_session_timeout: "60000",
  TimeZone: "Asia/Kathmandu",
  DateStyle: "SQL, DMY",
  IntervalStyle: "sql_standard",
  bytea_output: "escape",
  extra_float_digits: "-15",
  array_nulls: "off",
  transform_null_equals: "on",
  enable_seqscan: "off",
  plan_cache_mode: "force_generic_plan",
};

/** A schema of decoys, in front of the application's own. */
async function decoys(context: Context): Promise<string> {
  const schema = `"decoys ${randomUUID()}"`;
  const { reader } = context;
  context.after(() => reader.query(`drop schema ${schema} cascade`));
  await reader.query(`create schema ${schema}`);
  for (const table of ["job", "unique_key", "guard", "archive"])
    await reader.query(`create table ${schema}.${table} (id integer)`);
  await reader.query(`create type ${schema}.job_state as enum ('decoy')`);
  await reader.query(
    `create function ${schema}.enqueue_keyed(json, boolean, text) returns void language sql as 'select 1/0'`,
  );
  return schema;
}

const runAt = new Date("2040-02-03T04:05:06.789Z");

const cases: Case[] = [
  {
    name: "sessions with hostile settings enqueue, commit and roll back like any other",
    serializable: true,
    async run(context) {
      const [kept, undone] = [context.jobType(), context.jobType()];
      const search_path = `${await decoys(context)},${context.place.schema}`;
      const url = withSettings(context.place.url, { ...settings, search_path });
      const connection = await context.connect({ url, poolSize: 3 });
      const order = context.order();
      const due = await connection.transaction(async (tx) => {
        // Some ORMs set a TimeZone of their own, but none an IntervalStyle.
        const [row] = await context.harness.execute(tx, "select current_setting('IntervalStyle') as style");
        assert.equal(row!.style, "sql_standard", "the harness does not pass the URL's settings on");
        await context.harness.insertOrder(tx, order);
        await enqueueInEveryForm(context.verbs, tx, kept);
        const [one] = await context.verbs.enqueueMany(tx, [kept(1, { runAt }), kept(2, { runAt })]);
        return [one!.id, (await context.verbs.enqueue(tx, kept(3, { runAt }))).id];
      });
      const leaving = await context.open(connection);
      await enqueueInEveryForm(context.verbs, leaving.tx, undone);
      await leaving.rollback();
      const stored = await context.reader.jobs(kept.name);
      assert.equal(stored.length, jobsOfEveryForm + 3, "jobs after COMMIT");
      assert.ok(await context.reader.hasOrder(order.id), "the order is missing");
      assert.deepEqual(
        stored.filter((job) => due.includes(job.id)).map((job) => Number(job.run_at)),
        [runAt.getTime(), runAt.getTime()],
        "run_at under another TimeZone and DateStyle",
      );
      assert.equal((await context.reader.jobs(undone.name)).length, 0, "jobs after ROLLBACK");
    },
  },
  {
    name: "a duplicate key is an answer under hostile settings too",
    serializable: true,
    async run(context) {
      const type = context.jobType();
      const url = withSettings(context.place.url, settings);
      const connection = await context.connect({ url, poolSize: 2 });
      const enqueue = () =>
        connection.transaction((tx) => context.verbs.enqueue(tx, type(null, { uniqueKey: "k" })));
      const [first, second] = [await enqueue(), await enqueue()];
      assert.deepEqual([second.id, second.created], [first.id, false], "id and created");
    },
  },
  {
    name: 'a schema with a name like "Pillion Jobs" holds the jobs',
    async run(context) {
      const type = context.jobType();
      const schema = `Pillion Jobs ${randomUUID().slice(0, 8)}`;
      context.after(await context.place.makeJobs(schema));
      const verbs = context.harness.adapter.configure({ schema });
      const connection = await context.connection();
      const leaving = await context.open(connection);
      await accepted(enqueueInEveryForm(verbs, leaving.tx, type), "a schema with such a name refuses jobs");
      await leaving.rollback();
      await connection.transaction((tx) => enqueueInEveryForm(verbs, tx, type));
      assert.equal(
        (await context.reader.jobs(type.name, schema)).length,
        jobsOfEveryForm,
        "jobs in the schema",
      );
      assert.equal((await context.reader.jobs(type.name)).length, 0, "jobs in another schema");
    },
  },
];

/** What a role, a database or an operator has set does not change what an enqueue does. */
export const hostileSettings: Suite = { name: "hostile settings", cases: () => cases };
