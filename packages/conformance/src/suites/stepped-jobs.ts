import assert from "node:assert/strict";
import { defineEvent, defineJob, JobsFailedError, type } from "@pillion/core";
import { handle } from "@pillion/core/worker";
import { accepted, refusal } from "../expect.ts";
import { orderJob } from "../order-job.ts";
import { ordersIn, xidOf } from "../seen.ts";
import type { Case } from "../suite.ts";

const hour = 3_600_000;

/** Jobs with steps that `runEnqueued` runs, and that wait. */
export const waitingJobs: Case[] = [
  {
    name: "a job that waits goes on once its transaction has emitted the event, its children have run, and `now` has come",
    async run(context) {
      const connection = await context.connection();
      const { tx } = await context.open(connection);
      const { verbs, testing } = context;
      const name = context.jobType().name;
      const [parent, child] = [orderJob(name), orderJob(name, "child")];
      const moved = defineEvent({ name, payload: type<{ total: number }>() });
      const orders = [context.order(), context.order({ total: 2 })];
      const handlers = [
        verbs.handle(connection.client, parent, async (job) => {
          const children = await job.run(orders.map((order) => child(order)));
          const { total } = await job.waitForEvent(moved(job.payload.id), { timeoutMs: hour });
          await job.sleep(hour);
          return { total, children: children.reduce((sum, { total }) => sum + total!, 0) };
        }),
        verbs.transactional(connection.client, child, async (tx, job) => {
          await context.harness.insertOrder(tx, job.payload);
          return { total: job.payload.total };
        }),
      ];
      const order = context.order();
      const { id } = await verbs.enqueue(tx, parent(order));
      const ran = async (now?: Date) =>
        (await accepted(testing.runEnqueued(tx, handlers, { now }), "the jobs did not run")).ran.map(
          ({ name, state }) => [name, state],
        );
      assert.deepEqual(
        await ran(),
        [
          [parent.name, "scheduled"],
          [child.name, "completed"],
          [child.name, "completed"],
          [parent.name, "scheduled"],
        ],
        "what ran before the event",
      );
      for (const { id } of orders)
        assert.equal(await ordersIn(context, tx, id), 1, "orders of the children in the transaction");
      assert.deepEqual(await ran(), [], "what ran while nothing had happened");
      await accepted(verbs.emit(tx, moved(order.id), { total: 5 }), "emit");
      assert.deepEqual(await ran(), [[parent.name, "scheduled"]], "what ran behind the event");
      const last = testing.runEnqueued(tx, handlers, { now: new Date(Date.now() + 2 * hour) });
      assert.deepEqual(
        (await accepted(last, "the job did not go on behind its sleep")).ran,
        [{ id, name: parent.name, attempt: 1, state: "completed", result: { total: 5, children: 3 } }],
        "what ran behind the sleep",
      );
    },
  },
];

/** Jobs with steps that `runEnqueued` runs, and that fail. */
export const failingSteps: Case[] = [
  {
    name: "what stepTx wrote in the test's transaction stays where its job fails behind it, and is not written again",
    async run(context) {
      const connection = await context.connection();
      const { tx } = await context.open(connection);
      const { verbs, testing, harness } = context;
      const placed = orderJob(context.jobType().name);
      const [kept, undone] = [context.order(), context.order()];
      const xid = await xidOf(context, tx);
      const steps: string[] = [];
      const handlers = [
        verbs.handle(connection.client, placed, async (job) => {
          const seen = await job.stepTx("keep", async (tx: object) => {
            steps.push("keep");
            await harness.insertOrder(tx, kept);
            return xidOf(context, tx);
          });
          assert.equal(seen, xid, "the transaction that stepTx was given");
          await job.stepTx("undo", async (tx: object) => {
            steps.push("undo");
            await harness.insertOrder(tx, undone);
            // The database's error, after which a transaction without a savepoint takes no statement.
            if (job.attempt === 1) await harness.insertOrder(tx, undone);
          });
          return {};
        }),
      ];
      await verbs.enqueue(tx, placed(context.order()));
      const error = await refusal(
        testing.runEnqueued(tx, handlers),
        "JOBS_FAILED",
        "a failing step went unnoticed",
      );
      assert.ok(error instanceof JobsFailedError, "the error's class");
      const counts = async () => [
        await ordersIn(context, tx, kept.id),
        await ordersIn(context, tx, undone.id),
      ];
      assert.deepEqual(await counts(), [1, 0], "orders in the transaction after a failed step");
      const now = new Date(Date.now() + hour);
      const { ran } = await accepted(testing.runEnqueued(tx, handlers, { now }), "the next attempt");
      assert.deepEqual(
        ran.map(({ attempt, state }) => [attempt, state]),
        [[2, "completed"]],
        "the next attempt",
      );
      assert.deepEqual(
        [steps, await counts()],
        [
          ["keep", "undo", "undo"],
          [1, 1],
        ],
        "steps and orders",
      );
    },
  },
];

/** A job type and its handlers that leave something in each table of steps, and wait in the end. */
export function leavingSteps(name: string) {
  const [stepping, child] = [
    defineJob({ name: `${name}_stepping`, payload: type<null>() }),
    defineJob({ name: `${name}_child`, payload: type<null>() }),
  ];
  const never = defineEvent({ name, payload: type<null>() });
  const handlers = [
    handle(stepping, async (job) => {
      await job.step("one", () => 1);
      await job.run(child(null));
      await job.waitForEvent(never("comes"));
    }),
    handle(child, () => {}),
  ];
  return { stepping, never, handlers };
}
