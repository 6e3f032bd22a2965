import assert from "node:assert/strict";
import type { Context } from "../context.ts";
import { accepted, rejection } from "../expect.ts";
import { enqueueInEveryForm } from "../forms.ts";
import type { Case, Suite } from "../suite.ts";

class Inner extends Error {}

async function counts(context: Context, ...names: string[]): Promise<number[]> {
  return Promise.all(names.map(async (name) => (await context.reader.jobs(name)).length));
}

const cases: Case[] = [
  {
    name: "an inner transaction that rolled back leaves no job, and the outer one keeps its own",
    needs: "savepoints",
    async run(context) {
      const { harness, verbs } = context;
      const [outer, inner, later] = [context.jobType(), context.jobType(), context.jobType()];
      const [outerOrder, innerOrder] = [context.order(), context.order()];
      const connection = await context.connection();
      await connection.transaction(async (tx) => {
        await harness.insertOrder(tx, outerOrder);
        await verbs.enqueue(tx, outer(null));
        await rejection(
          harness.savepoint!(tx, async (nested) => {
            await harness.insertOrder(nested, innerOrder);
            await enqueueInEveryForm(verbs, nested, inner);
            throw new Inner();
          }),
          "the inner transaction resolved although its function threw",
        );
        await accepted(
          verbs.enqueue(tx, later(null)),
          "the outer transaction refuses a job after the inner one",
        );
      });
      assert.deepEqual(
        await counts(context, outer.name, inner.name, later.name),
        [1, 0, 1],
        "jobs of the outer transaction before, of the inner one, of the outer one after",
      );
      assert.ok(await context.reader.hasOrder(outerOrder.id), "the outer order is missing");
      assert.equal(await context.reader.hasOrder(innerOrder.id), false, "the inner order exists");
    },
  },
  {
    name: "a statement error in the inner transaction takes the inner jobs alone",
    needs: "savepoints",
    async run(context) {
      const { harness, verbs } = context;
      const [outer, inner] = [context.jobType(), context.jobType()];
      const order = context.order();
      const connection = await context.connection();
      await connection.transaction(async (tx) => {
        await harness.insertOrder(tx, order);
        await rejection(
          harness.savepoint!(tx, async (nested) => {
            await enqueueInEveryForm(verbs, nested, inner);
            await harness.insertOrder(nested, order);
          }),
          "the same order was inserted twice",
        );
        await verbs.enqueue(tx, outer(null));
      });
      assert.deepEqual(await counts(context, outer.name, inner.name), [1, 0], "jobs of outer and inner");
    },
  },
  {
    name: "the jobs of an inner transaction exist once both have committed",
    needs: "savepoints",
    async run(context) {
      const { harness, verbs } = context;
      const inner = context.jobType();
      const connection = await context.connection();
      const open = await context.open(connection);
      const made = await harness.savepoint!(open.tx, (nested) => enqueueInEveryForm(verbs, nested, inner));
      assert.deepEqual(
        await counts(context, inner.name),
        [0],
        "an inner job is visible before the outer COMMIT",
      );
      await open.commit();
      assert.deepEqual(await counts(context, inner.name), [made], "jobs of the inner transaction");
    },
  },
  {
    name: "an inner transaction that committed leaves no job when the outer one rolls back",
    needs: "savepoints",
    async run(context) {
      const { harness, verbs } = context;
      const inner = context.jobType();
      const open = await context.open(await context.connection());
      await harness.savepoint!(open.tx, (nested) => enqueueInEveryForm(verbs, nested, inner));
      await open.rollback();
      assert.deepEqual(await counts(context, inner.name), [0], "jobs of the inner transaction");
    },
  },
  {
    name: "a key taken in an inner transaction that rolled back is free again in the outer one",
    needs: "savepoints",
    async run(context) {
      const { harness, verbs } = context;
      const type = context.jobType();
      const connection = await context.connection();
      const answer = await connection.transaction(async (tx) => {
        await rejection(
          harness.savepoint!(tx, async (nested) => {
            await verbs.enqueue(nested, type(null, { uniqueKey: "once" }));
            throw new Inner();
          }),
          "the inner transaction resolved although its function threw",
        );
        return verbs.enqueue(tx, type(null, { uniqueKey: "once" }));
      });
      assert.equal(answer.created, true, "a key that was rolled back kept a job out");
      assert.deepEqual(await counts(context, type.name), [1], "jobs with the key");
    },
  },
];

/** A job belongs to the innermost transaction that it was enqueued in. */
export const savepoints: Suite = { name: "savepoints", cases: () => cases };
