import assert from "node:assert/strict";
import { accepted, rejection } from "../expect.ts";
import type { Case, Suite } from "../suite.ts";

const cases: Case[] = [
  {
    name: "an enqueue in the ORM's array form exists with the order beside it, and has an answer",
    needs: "array form",
    async run(context) {
      const type = context.jobType();
      const order = context.order();
      const { client } = await context.connection();
      const answer = await accepted(
        context.harness.array!(context.verbs, client, type({ a: [1] }), order),
        "the array failed",
      );
      const stored = await context.reader.jobs(type.name);
      assert.deepEqual(
        stored.map((job) => [job.id, job.payload]),
        [[answer.id, '{"a": [1]}']],
        "jobs that exist",
      );
      assert.ok(await context.reader.hasOrder(order.id), "the order is missing");
    },
  },
  {
    name: "an enqueue in the ORM's array form is rolled back with the order beside it",
    needs: "array form",
    async run(context) {
      const type = context.jobType();
      const order = context.order();
      const connection = await context.connection();
      await connection.transaction((tx) => context.harness.insertOrder(tx, order));
      await rejection(
        context.harness.array!(context.verbs, connection.client, type(null), order),
        "the same order was inserted twice",
      );
      assert.equal((await context.reader.jobs(type.name)).length, 0, "the job of a rolled-back array exists");
    },
  },
  {
    name: "an enqueue in the ORM's array form fails at COMMIT with the order beside it",
    needs: "array form",
    async run(context) {
      const type = context.jobType();
      const { client } = await context.connection();
      await rejection(
        context.harness.array!(context.verbs, client, type(null), context.order({ customer: "nobody" })),
        "the array resolved although its COMMIT failed",
      );
      assert.equal((await context.reader.jobs(type.name)).length, 0, "the job of a failed array exists");
    },
  },
];

/** Where the ORM runs an array of statements as one transaction, an enqueue is one of them. */
export const arrayForm: Suite = { name: "array form", cases: () => cases };
