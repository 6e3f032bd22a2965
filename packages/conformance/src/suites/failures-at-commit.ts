import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Context } from "../context.ts";
import { assertSqlState, rejection } from "../expect.ts";
import { enqueueInEveryForm } from "../forms.ts";
import type { Case, Suite } from "../suite.ts";

async function assertNothing(context: Context, jobName: string, orderId: string): Promise<void> {
  const jobs = await context.reader.jobs(jobName);
  assert.equal(jobs.length, 0, `${jobs.length} jobs exist although their transaction did not commit`);
  assert.equal(await context.reader.hasOrder(orderId), false, "the order exists without a commit");
}

const cases: Case[] = [
  {
    name: "a constraint that fails at COMMIT takes the jobs with it, and its error reaches the caller",
    async run(context) {
      const connection = await context.connection();
      const type = context.jobType();
      const order = context.order({ customer: "nobody" });
      const error = await rejection(
        connection.transaction(async (tx) => {
          await context.harness.insertOrder(tx, order);
          await enqueueInEveryForm(context.verbs, tx, type);
        }),
        "the transaction resolved although its COMMIT failed",
      );
      await assertNothing(context, type.name, order.id);
      assertSqlState(error, "23503", "the caller did not get the foreign key's error");
    },
  },
  {
    name: "a serialization failure takes the jobs with it, and its error reaches the caller",
    serializable: true,
    async run(context) {
      const connection = await context.connection();
      const type = context.jobType();
      const order = context.order();
      const table = `${context.place.schema}.tally_${randomUUID().replaceAll("-", "")}`;
      await context.reader.query(`create table ${table} (amount integer)`);
      const error = await rejection(
        connection.transaction(
          async (tx) => {
            await context.harness.execute(tx, `select sum(amount)::text from ${table}`);
            const rival = await context.reader.begin();
            context.after(() => rival.rollback());
            // Each reads what the other writes: whichever commits second must fail.
            await rival.query("set transaction isolation level serializable");
            await rival.query(`select sum(amount) from ${table}`);
            await rival.query(`insert into ${table} values (1)`);
            await context.harness.insertOrder(tx, order);
            await enqueueInEveryForm(context.verbs, tx, type);
            await context.harness.execute(tx, `insert into ${table} values (2) returning amount`);
            await rival.commit();
          },
          { isolationLevel: "serializable" },
        ),
        "the transaction resolved although it could not be serialized",
      );
      await assertNothing(context, type.name, order.id);
      assertSqlState(error, "40001", "the caller did not get the serialization failure");
    },
  },
  {
    name: "a statement that exceeds statement_timeout takes the jobs with it, and its error reaches the caller",
    async run(context) {
      const connection = await context.connection();
      const type = context.jobType();
      const order = context.order();
      const error = await rejection(
        connection.transaction(async (tx) => {
          await context.harness.insertOrder(tx, order);
          await enqueueInEveryForm(context.verbs, tx, type);
          await context.harness.execute(tx, "set local statement_timeout = 20");
          await context.harness.execute(tx, "select 1 as one from pg_sleep(60)");
        }),
        "the transaction resolved although a statement timed out",
      );
      await assertNothing(context, type.name, order.id);
      assertSqlState(error, "57014", "the caller did not get the timeout's error");
    },
  },
  {
    name: "a transaction that exceeds the ORM's own timeout leaves no job, nor does an enqueue after it",
    needs: "own timeout",
    async run(context) {
      const connection = await context.connection();
      const type = context.jobType();
      const order = context.order();
      await rejection(
        connection.transaction(
          async (tx) => {
            await context.harness.insertOrder(tx, order);
            await enqueueInEveryForm(context.verbs, tx, type);
            const [row] = await context.harness.execute(tx, "select pg_current_xact_id()::text as xid");
            await context.reader.until(
              "the ORM has ended its transaction",
              "select where pg_xact_status($1::text::xid8) = 'aborted'",
              [row!.xid],
            );
            await rejection(
              context.verbs.enqueue(tx, type(null)),
              "an enqueue was accepted after the ORM's timeout",
            );
          },
          { timeoutMs: 200 },
        ),
        "the transaction resolved although it exceeded its timeout",
      );
      await assertNothing(context, type.name, order.id);
    },
  },
];

/** What fails at COMMIT, or in place of it, takes the jobs with it. */
export const failuresAtCommit: Suite = { name: "failures at commit", cases: () => cases };
