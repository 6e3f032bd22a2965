import assert from "node:assert/strict";
import { DiscardError, defineJob, JobsFailedError, RetryError } from "@pillion/core";
import { handle, handleMany } from "@pillion/core/worker";
import { accepted, refusal, rejection } from "../expect.ts";
import type { Order } from "../harness.ts";
import { orderJob } from "../order-job.ts";
import { ordersIn } from "../seen.ts";
import type { Case, Suite } from "../suite.ts";
import { failingSteps } from "./stepped-jobs.ts";

async function failureOf(running: Promise<unknown>): Promise<JobsFailedError> {
  const error = await refusal(running, "JOBS_FAILED", "a failing job went unnoticed");
  assert.ok(error instanceof JobsFailedError, "the error's class");
  return error;
}

const cases: Case[] = [
  {
    name: "what a failing job wrote is undone, the other jobs run, and the transaction stays usable",
    async run(context) {
      const connection = await context.connection();
      const { tx } = await context.open(connection);
      const { harness, verbs, testing } = context;
      const name = context.jobType().name;
      const [failing, fine, child] = [orderJob(name, "failing"), orderJob(name), orderJob(name, "child")];
      const handlers = [
        verbs.transactional(connection.client, failing, async (tx, job) => {
          await harness.insertOrder(tx, job.payload);
          await verbs.enqueue(tx, child(job.payload));
          // The database's error, after which a transaction without a savepoint takes no statement.
          await harness.insertOrder(tx, job.payload);
          return { total: 1 };
        }),
        verbs.transactional(connection.client, fine, async (tx, job) => {
          await harness.insertOrder(tx, job.payload);
          return { total: 1 };
        }),
      ];
      const [undone, kept, after] = [context.order(), context.order(), context.order()];
      const { id } = await verbs.enqueue(tx, failing(undone));
      await verbs.enqueue(tx, fine(kept));
      const error = await failureOf(testing.runEnqueued(tx, handlers));
      assert.deepEqual(
        error.failed.map(({ error: _, ...rest }) => rest),
        [{ id, name: failing.name, attempt: 1, state: "scheduled" }],
        "what failed",
      );
      assert.equal(error.cause, error.failed[0]!.error, "the error's cause");
      assert.ok(
        error.message.includes(`job ${id} "${failing.name}" (attempt 1, now scheduled)`),
        error.message,
      );
      assert.deepEqual(
        error.ran.map(({ name }) => name),
        [fine.name],
        "what ran",
      );
      await accepted(harness.insertOrder(tx, after), "the transaction is not usable after a failed job");
      for (const [order, count] of [
        [undone, 0],
        [kept, 1],
        [after, 1],
      ] as const)
        assert.equal(await ordersIn(context, tx, order.id), count, "orders in the transaction");
      await testing.expectEnqueued(tx, child, {}, { times: 0 });
      const [left] = await accepted(testing.expectEnqueued(tx, failing), "the failed job is gone");
      assert.equal(left!.attempt, 1, "attempts of the failed job");
    },
  },
  {
    name: "a failing job runs once in a call, again once `now` is past its backoff, and is dead after its last attempt",
    async run(context) {
      const { tx } = await context.open(await context.connection());
      const { verbs, testing } = context;
      const type = orderJob(context.jobType().name);
      const attempts: number[] = [];
      const handlers = [
        handle(type, (job): never => {
          attempts.push(job.attempt);
          throw new Error("no");
        }),
      ];
      await verbs.enqueue(tx, type(context.order(), { maxAttempts: 2 }));
      await failureOf(testing.runEnqueued(tx, handlers, { now: new Date(Date.now() + 3_600_000) }));
      assert.deepEqual(attempts, [1], "attempts of one call");
      assert.deepEqual((await testing.runEnqueued(tx, handlers)).ran, [], "what ran before its backoff");
      const now = new Date(Date.now() + 7_200_000);
      const { failed } = await failureOf(testing.runEnqueued(tx, handlers, { now }));
      assert.deepEqual([attempts, failed[0]!.state], [[1, 2], "dead"], "attempts, and the last one's end");
      await accepted(testing.expectEnqueued(tx, type, {}, { times: 0 }), "a dead job is still enqueued");
    },
  },
  {
    name: "handlers end jobs as they do in a worker",
    async run(context) {
      const { tx } = await context.open(await context.connection());
      const { verbs, testing } = context;
      const type = orderJob(context.jobType().name);
      const many = context.jobType();
      const checked = defineJob({
        name: context.jobType().name,
        payload: {
          "~standard": {
            version: 1,
            vendor: "conformance",
            validate: (value) =>
              value === "bad" ? { issues: [{ message: "is bad" }] } : { value: `${value}, validated` },
          },
        },
        result: type.resultSchema!,
      });
      const handlers = [
        handle(type, (job): never => {
          if (job.payload.total === 1) throw new DiscardError("for good");
          throw new RetryError({ delayMs: 0 });
        }),
        handleMany(many, { maxJobs: 10 }, (jobs) => {
          assert.equal(jobs.length, 1, "jobs of a batch");
          return [jobs[0]!.payload === "bad" ? new Error("a bad one") : undefined];
        }),
        handle(checked, ({ payload }) => ({ [payload as string]: Number.NaN })),
      ];
      await verbs.enqueueMany(tx, [
        type(context.order({ total: 1 })),
        type(context.order({ total: 2 })),
        type(context.order({ total: 3 }), { startBefore: new Date(Date.now() + 60_000) }),
        many("good"),
        many("bad"),
        checked("good"),
      ]);
      const { failed, ran } = await failureOf(
        testing.runEnqueued(tx, handlers, { now: new Date(Date.now() + 3_600_000) }),
      );
      assert.deepEqual(
        failed.map(({ name, state, error }) => [name, state, (error as Error).message]),
        [
          [type.name, "dead", "for good"],
          [type.name, "ready", "The handler asked for another attempt."],
          [many.name, "scheduled", "a bad one"],
          [
            checked.name,
            "scheduled",
            "The handler's result at good, validated is NaN, which JSON cannot carry.",
          ],
        ],
        "what failed",
      );
      assert.deepEqual(
        ran.map(({ name, state }) => [name, state]),
        [
          [type.name, "cancelled"],
          [many.name, "completed"],
        ],
        "what ran: a job whose latest start has passed, and the good one of many",
      );
    },
  },
  {
    name: "what job.commit has written stays when its handler throws after it, and is undone when it throws itself",
    async run(context) {
      const connection = await context.connection();
      const { tx } = await context.open(connection);
      const { harness, verbs, testing } = context;
      const name = context.jobType().name;
      const [after, within] = [orderJob(name), orderJob(name, "within")];
      const handlers = [
        verbs.handle(connection.client, after, async (job) => {
          await job.commit(async (tx: object) => {
            await harness.insertOrder(tx, job.payload);
            return { total: 1 };
          });
          throw new Error("too late");
        }),
        verbs.handle(connection.client, within, async (job) => {
          const swallowed = job.commit(async (tx: object) => {
            await harness.insertOrder(tx, job.payload);
            await harness.insertOrder(tx, job.payload);
            return { total: 1 };
          });
          await swallowed.catch(() => {});
          return { total: 2 };
        }),
      ];
      const [kept, undone] = [context.order(), context.order()];
      await verbs.enqueueMany(tx, [after(kept), within(undone)]);
      const { failed, ran, message } = await failureOf(testing.runEnqueued(tx, handlers));
      assert.deepEqual(
        failed.map(({ name, state }) => [name, state]),
        [
          [after.name, "completed"],
          [within.name, "scheduled"],
        ],
        "what failed: also where the handler has swallowed its commit's error",
      );
      assert.match(message, /after its commit, now completed\): Error: too late/);
      assert.deepEqual(ran, [], "what ran");
      assert.equal(await ordersIn(context, tx, kept.id), 1, "what was committed");
      assert.equal(await ordersIn(context, tx, undone.id), 0, "what a commit that failed has written");
    },
  },
  {
    name: "a handler's own nested transactions end as they do anywhere, and with their job",
    needs: "savepoints",
    async run(context) {
      const connection = await context.connection();
      const { tx } = await context.open(connection);
      const { harness, verbs, testing } = context;
      const name = context.jobType().name;
      const [failing, fine] = [orderJob(name, "failing"), orderJob(name)];
      const [first, nested, kept] = [context.order(), context.order(), context.order()];
      const nesting = async (tx: object, outer: Order) => {
        await harness.insertOrder(tx, outer);
        const taken = harness.savepoint!(tx, async (inner) => {
          await harness.insertOrder(inner, nested);
          await harness.insertOrder(inner, nested);
        });
        await rejection(taken, "the same order was inserted twice");
      };
      const handlers = [
        verbs.transactional(connection.client, failing, async (tx, job) => {
          await nesting(tx, job.payload);
          throw new Error("no");
        }),
        verbs.transactional(connection.client, fine, async (tx, job) => {
          await nesting(tx, job.payload);
          return { total: 1 };
        }),
      ];
      await verbs.enqueueMany(tx, [failing(first), fine(kept)]);
      await failureOf(testing.runEnqueued(tx, handlers));
      const counts = [first, nested, kept].map(
        ({ id }) =>
          () =>
            ordersIn(context, tx, id),
      );
      const seen: number[] = [];
      for (const count of counts) seen.push(await count());
      assert.deepEqual(seen, [0, 0, 1], "orders of the failed job, of inner transactions, of the other job");
    },
  },
];

/** A job that fails in a test takes its own writes, and nothing else. */
export const failingJobs: Suite = {
  name: "failing jobs of a test",
  cases: () => [...cases, ...failingSteps],
};
