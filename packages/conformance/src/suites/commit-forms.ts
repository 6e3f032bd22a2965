import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { sqlStateOf } from "@pillion/core";
import type { Context } from "../context.ts";
import { accepted, assertSqlState, describeError, rejection } from "../expect.ts";
import { enqueueInEveryForm, jobsOfEveryForm } from "../forms.ts";
import type { Case, Suite } from "../suite.ts";

/** Prepares a transaction with an order and jobs under a name, or says that the server does not. */
async function prepare(context: Context, jobName: { type: ReturnType<Context["jobType"]> }, orderId: string) {
  const name = randomUUID();
  // A prepared transaction outlives every session, with its locks.
  context.after(() => context.reader.query(`rollback prepared '${name}'`).catch(() => {}));
  const order = context.order({ id: orderId });
  const connection = await context.connect({ poolSize: 2 });
  const prepared = await connection
    .transaction(async (tx) => {
      await context.harness.insertOrder(tx, order);
      await enqueueInEveryForm(context.verbs, tx, jobName.type);
      await context.harness.execute(tx, `prepare transaction '${name}'`);
    })
    .then(
      () => true,
      async (error: unknown) => {
        // An ORM may well complain that there is nothing left to commit.
        const found = await context.reader.query("select from pg_prepared_xacts where gid = $1", [name]);
        if (found.length === 0) assertSqlState(error, "55000", "PREPARE TRANSACTION failed");
        return found.length > 0;
      },
    );
  if (!prepared) context.note("PREPARE TRANSACTION: this server has max_prepared_transactions = 0");
  return prepared ? name : undefined;
}

const twoPhase = (["commit", "rollback"] as const).map(
  (end): Case => ({
    name: `jobs of a prepared transaction exist, or do not, by its ${end} prepared`,
    async run(context) {
      const type = context.jobType();
      const { id } = context.order();
      const name = await prepare(context, { type }, id);
      assert.equal((await context.reader.jobs(type.name)).length, 0, "a prepared job is visible");
      if (name === undefined) return;
      await context.reader.query(`${end} prepared '${name}'`);
      const committed = end === "commit";
      assert.equal((await context.reader.jobs(type.name)).length, committed ? jobsOfEveryForm : 0, "jobs");
      assert.equal(await context.reader.hasOrder(id), committed, "the order exists");
    },
  }),
);

const immediate: Case = {
  name: "under SET CONSTRAINTS ALL IMMEDIATE an enqueue succeeds, or its error names the statement that mends it",
  async run(context) {
    const type = context.jobType();
    const order = context.order();
    const connection = await context.connection();
    const guard = `"${context.place.jobs}".transaction_guard`;
    const mending = `SET CONSTRAINTS ${context.place.jobs}.transaction_guard DEFERRED`;
    let refused: unknown;
    await connection
      .transaction(async (tx) => {
        await context.harness.execute(tx, "set constraints all immediate");
        await context.verbs.enqueue(tx, type(null)).catch((error) => {
          refused = error;
          throw error;
        });
      })
      .catch((error) => {
        if (refused === undefined) throw error;
      });
    if (refused !== undefined)
      assert.ok(
        textsOf(refused).includes(mending),
        `the error does not say "${mending}": ${describeError(refused)}`,
      );
    const before = (await context.reader.jobs(type.name)).length;
    assert.equal(before, refused === undefined ? 1 : 0, "jobs, where the answer promised them");
    await accepted(
      connection.transaction(async (tx) => {
        await context.harness.execute(tx, "set constraints all immediate");
        await context.harness.execute(tx, `set constraints ${guard} deferred`);
        await context.harness.insertOrder(tx, order);
        await enqueueInEveryForm(context.verbs, tx, type);
      }),
      "the statement that the error names does not mend it",
    );
    assert.equal(
      (await context.reader.jobs(type.name)).length,
      before + jobsOfEveryForm,
      "jobs after the mending",
    );
  },
};

/** All that a user can read of an error, in whatever the ORM has wrapped it. */
function textsOf(error: unknown, depth = 0): string {
  if (typeof error !== "object" || error === null || depth > 6) return String(error);
  const own = Object.getOwnPropertyNames(error).map((name) => (error as Record<string, unknown>)[name]);
  return own.map((value) => textsOf(value, depth + 1)).join("\n");
}

const unreadable: Case = {
  name: "a missing schema is SCHEMA_OUTDATED, and says which command mends it",
  async run(context) {
    const type = context.jobType();
    const connection = await context.connection();
    const verbs = context.harness.adapter.configure({ schema: "pillion_of_nobody" });
    const error = await rejection(
      connection.transaction((tx) => verbs.enqueue(tx, type(null))),
      "an enqueue into a missing schema was accepted",
    );
    assert.equal((error as { code?: unknown }).code, "SCHEMA_OUTDATED", describeError(error));
    assert.match((error as Error).message, /npx pillion migrate --schema "pillion_of_nobody"/, "the message");
    assert.notEqual(sqlStateOf((error as Error).cause), undefined, "the error's cause is not the database's");
  },
};

/** Unusual ways to end a transaction, and an unusual place to enqueue into. */
export const commitForms: Suite = { name: "commit forms", cases: () => [...twoPhase, immediate, unreadable] };
