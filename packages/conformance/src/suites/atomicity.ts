import assert from "node:assert/strict";
import type { Context } from "../context.ts";
import { assertSqlState, rejection } from "../expect.ts";
import { enqueueInEveryForm } from "../forms.ts";
import type { Case, Suite } from "../suite.ts";

/** Asserts that of a transaction nothing is left: neither its order nor any of its jobs. */
async function assertNothing(
  context: Context,
  jobName: string,
  orderId: string,
  after: string,
): Promise<void> {
  const jobs = await context.reader.jobs(jobName);
  assert.equal(jobs.length, 0, `${jobs.length} jobs exist after ${after}`);
  assert.equal(await context.reader.hasOrder(orderId), false, `the order exists after ${after}`);
}

class Changed extends Error {}

const cases: Case[] = [
  {
    name: "after COMMIT the order and every job exist, among other transactions of the same pool",
    async run(context) {
      const connection = await context.connection();
      const [kept, undone, type] = [context.jobType(), context.jobType(), context.jobType()];
      const committing = await context.open(connection);
      const leaving = await context.open(connection);
      await context.verbs.enqueue(committing.tx, kept(null));
      await context.verbs.enqueue(leaving.tx, undone(null));
      const order = context.order();
      const made = await connection.transaction(async (tx) => {
        await context.harness.insertOrder(tx, order);
        return enqueueInEveryForm(context.verbs, tx, type);
      });
      await leaving.rollback();
      await committing.commit();
      assert.equal((await context.reader.jobs(type.name)).length, made, "not every job exists after COMMIT");
      assert.ok(await context.reader.hasOrder(order.id), "the order does not exist after COMMIT");
      assert.equal((await context.reader.jobs(kept.name)).length, 1, "a neighbour's job is missing");
      assert.equal(
        (await context.reader.jobs(undone.name)).length,
        0,
        "a rolled-back neighbour's job exists",
      );
    },
  },
  {
    name: "after a throw neither the order nor any job exists, and the caller gets its own error",
    async run(context) {
      const connection = await context.connection();
      const type = context.jobType();
      const order = context.order();
      const thrown = new Changed("changed my mind");
      const error = await rejection(
        connection.transaction(async (tx) => {
          await context.harness.insertOrder(tx, order);
          await enqueueInEveryForm(context.verbs, tx, type);
          throw thrown;
        }),
        "the transaction resolved although its function threw",
      );
      await assertNothing(context, type.name, order.id, "a throw");
      assert.equal(error, thrown, "the caller did not get its own error");
    },
  },
  {
    name: "after an explicit rollback neither the order nor any job exists",
    needs: "explicit rollback",
    async run(context) {
      const connection = await context.connection();
      const type = context.jobType();
      const order = context.order();
      await connection
        .transaction(async (tx) => {
          await context.harness.insertOrder(tx, order);
          await enqueueInEveryForm(context.verbs, tx, type);
          await context.harness.rollback!(tx);
        })
        .catch(() => {});
      await assertNothing(context, type.name, order.id, "an explicit rollback");
    },
  },
  {
    name: "after a statement that failed neither the order nor any job exists",
    async run(context) {
      const connection = await context.connection();
      const type = context.jobType();
      const order = context.order();
      await rejection(
        connection.transaction(async (tx) => {
          await context.harness.insertOrder(tx, order);
          await enqueueInEveryForm(context.verbs, tx, type);
          await context.harness.insertOrder(tx, order);
        }),
        "the transaction resolved although its last statement failed",
      );
      await assertNothing(context, type.name, order.id, "a failed statement");
    },
  },
  {
    name: "after a failed statement whose error was swallowed neither the order nor any job exists",
    async run(context) {
      const connection = await context.connection();
      const type = context.jobType();
      const order = context.order();
      const ended = connection.transaction(async (tx) => {
        await context.harness.insertOrder(tx, order);
        await enqueueInEveryForm(context.verbs, tx, type);
        await rejection(context.harness.insertOrder(tx, order), "the same order was inserted twice");
      });
      const outcome = await ended.then(
        () => "resolves",
        () => "rejects",
      );
      await assertNothing(context, type.name, order.id, "a swallowed error");
      assert.equal(
        outcome,
        context.harness.traits.swallowedError,
        "the trait swallowedError is not what happens",
      );
    },
  },
  {
    name: "an enqueue in a transaction that has failed gets the database's own 25P02",
    async run(context) {
      const connection = await context.connection();
      const type = context.jobType();
      const order = context.order();
      await connection
        .transaction(async (tx) => {
          await context.harness.insertOrder(tx, order);
          await rejection(context.harness.insertOrder(tx, order), "the same order was inserted twice");
          const error = await rejection(
            context.verbs.enqueue(tx, type(null)),
            "an enqueue was accepted in a failed transaction",
          );
          assertSqlState(error, "25P02", "the enqueue did not get the database's error");
          throw error;
        })
        .catch((error) => {
          if (error instanceof assert.AssertionError) throw error;
        });
      await assertNothing(context, type.name, order.id, "a failed transaction");
    },
  },
];

/** A job exists if, and only if, its transaction committed, however the transaction ends. */
export const atomicity: Suite = { name: "atomicity", cases: () => cases };
