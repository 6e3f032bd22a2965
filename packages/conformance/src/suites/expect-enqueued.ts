import assert from "node:assert/strict";
import { defineJob, type } from "@pillion/core";
import { accepted, refusal, rejection } from "../expect.ts";
import { enqueueInEveryForm } from "../forms.ts";
import type { Case, Suite } from "../suite.ts";

class Inner extends Error {}

const cases: Case[] = [
  {
    name: "a job is found by any part of its payload, and answered",
    async run(context) {
      const { tx } = await context.open(await context.connection());
      const type = context.jobType();
      const payload = {
        order: { id: 7, lines: [{ sku: "a", count: 1 }, { sku: "b" }] },
        to: "x@example.com",
      };
      const runAt = new Date("2040-02-03T04:05:06.789Z");
      await context.verbs.enqueue(tx, type({ order: { id: 8 } }));
      const { id } = await context.verbs.enqueue(
        tx,
        type(payload, { runAt, uniqueKey: "k", partitionKey: "p", priority: 2, headers: { trace: "t" } }),
      );
      const part = { order: { lines: [{ count: 1 }, {}] }, to: undefined };
      assert.deepEqual(
        await accepted(context.testing.expectEnqueued(tx, type, part), "the job was not found"),
        [
          {
            id,
            name: type.name,
            version: 1,
            payload,
            state: "scheduled",
            queue: "default",
            priority: 2,
            runAt,
            attempt: 0,
            uniqueKey: "k",
            partitionKey: "p",
            headers: { trace: "t" },
          },
        ],
        "the job that was found",
      );
      for (const other of [{ order: { lines: [{}] } }, { order: { id: "7" } }, { order: null }, { from: 1 }])
        await refusal(
          context.testing.expectEnqueued(tx, type, other),
          "NOT_ENQUEUED",
          `a job was found with ${JSON.stringify(other)}`,
        );
    },
  },
  {
    name: "where nothing matches, the error lists what the transaction has enqueued",
    async run(context) {
      const { tx } = await context.open(await context.connection());
      const [wanted, other] = [context.jobType(), context.jobType()];
      const empty = await refusal(
        context.testing.expectEnqueued(tx, wanted),
        "NOT_ENQUEUED",
        "a job was found in a transaction that has enqueued none",
      );
      assert.match(empty.message, /Nothing is enqueued in it\.$/);
      const first = await context.verbs.enqueue(tx, wanted({ orderId: 8 }));
      const second = await context.verbs.enqueue(tx, other("text", { delayMs: 60_000 }));
      const { message, jobName } = await refusal(
        context.testing.expectEnqueued(tx, wanted, { orderId: 7 }),
        "NOT_ENQUEUED",
        "a job of another payload was found",
      );
      assert.equal(jobName, wanted.name, "the job that the error names");
      assert.equal(
        message,
        `expectEnqueued: of job "${wanted.name}" with {"orderId":7} none is enqueued in this transaction. ` +
          `It has enqueued:\n  job ${first.id} "${wanted.name}" (ready) {"orderId":8}\n` +
          `  job ${second.id} "${other.name}" (scheduled) "text"`,
      );
    },
  },
  {
    name: "jobs of every form of enqueue are found, and counted exactly",
    async run(context) {
      const { tx } = await context.open(await context.connection());
      const [type, none] = [context.jobType(), context.jobType()];
      const made = await enqueueInEveryForm(context.verbs, tx, type);
      const { expectEnqueued } = context.testing;
      const found = await accepted(expectEnqueued(tx, type, undefined, { times: made }), "their number");
      assert.deepEqual(
        found.map(({ id }) => Number(id)),
        found.map(({ id }) => Number(id)).sort((a, b) => a - b),
        "the order in which they were enqueued",
      );
      assert.deepEqual(
        await accepted(expectEnqueued(tx, none, undefined, { times: 0 }), "a job that nobody enqueued"),
        [],
      );
      for (const times of [0, made + 1])
        await refusal(
          expectEnqueued(tx, type, undefined, { times }),
          "NOT_ENQUEUED",
          `${made} jobs were taken for ${times}`,
        );
    },
  },
  {
    name: "only jobs that this very transaction has enqueued are found",
    async run(context) {
      const connection = await context.connection();
      const type = context.jobType();
      const { verbs, testing } = context;
      await verbs.enqueueStandalone(connection.client, type("committed", { uniqueKey: "held" }));
      const dead = await verbs.enqueueStandalone(connection.client, type("ended"));
      await connection.transaction((tx) => verbs.cancel(tx, dead.id));
      const other = await context.open(connection);
      await verbs.enqueue(other.tx, type("open elsewhere"));
      const { tx } = await context.open(connection);
      const duplicate = await verbs.enqueue(tx, type("duplicate", { uniqueKey: "held" }));
      assert.equal(duplicate.created, false, "the key is held");
      await verbs.enqueue(tx, type("debounced", { uniqueKey: "held", onConflict: "debounce" }));
      await verbs.retry(tx, dead.id);
      await accepted(
        testing.expectEnqueued(tx, type, undefined, { times: 0 }),
        "a job was found that this transaction has not enqueued",
      );
    },
  },
  {
    name: "a job that was cancelled in the transaction is not found",
    async run(context) {
      const { tx } = await context.open(await context.connection());
      const type = context.jobType();
      const { id } = await context.verbs.enqueue(tx, type(null));
      await context.verbs.cancel(tx, id);
      await refusal(context.testing.expectEnqueued(tx, type), "NOT_ENQUEUED", "a cancelled job was found");
    },
  },
  {
    name: "jobs of an inner transaction are found in it and after it, and those of one that rolled back are not",
    needs: "savepoints",
    async run(context) {
      const { tx } = await context.open(await context.connection());
      const [kept, undone] = [context.jobType(), context.jobType()];
      const { harness, verbs, testing } = context;
      await harness.savepoint!(tx, async (inner) => {
        await verbs.enqueue(inner, kept(null));
        await accepted(testing.expectEnqueued(inner, kept), "not found in the inner transaction");
      });
      await rejection(
        harness.savepoint!(tx, async (inner) => {
          await verbs.enqueue(inner, undone(null));
          throw new Inner();
        }),
        "the inner transaction resolved although its function threw",
      );
      await accepted(testing.expectEnqueued(tx, kept), "not found after the inner transaction");
      await refusal(testing.expectEnqueued(tx, undone), "NOT_ENQUEUED", "a rolled-back job was found");
    },
  },
  {
    name: "a job of another version of its type is not found",
    async run(context) {
      const { tx } = await context.open(await context.connection());
      const first = context.jobType();
      const second = defineJob({ name: first.name, version: 2, payload: type<unknown>() });
      await context.verbs.enqueue(tx, first(null));
      const { message } = await refusal(
        context.testing.expectEnqueued(tx, second),
        "NOT_ENQUEUED",
        "a job of version 1 was taken for one of version 2",
      );
      assert.match(message, /\(version 2\) none is enqueued/);
    },
  },
  {
    name: "what is no transaction is refused, and so is what cannot be expected",
    async run(context) {
      const connection = await context.connection();
      const type = context.jobType();
      const { expectEnqueued } = context.testing;
      await refusal(expectEnqueued(connection.client, type), "NOT_IN_TRANSACTION", "the root client passed");
      const { tx } = await context.open(connection);
      await context.verbs.enqueue(tx, type({ at: null }));
      for (const bad of [
        expectEnqueued(tx, type, { at: Number.NaN }),
        expectEnqueued(tx, type, { at: 1n }),
        expectEnqueued(tx, type, {}, { times: 0.5 }),
        expectEnqueued(tx, type({}) as never),
      ])
        await refusal(bad, "INVALID_REQUEST", "a call that cannot be meant passed");
      await accepted(expectEnqueued(tx, type, { at: null }), "the transaction is not usable any more");
    },
  },
];

/** A test sees what its own transaction has enqueued, and nothing else. */
export const expectEnqueuedSuite: Suite = { name: "expectEnqueued", cases: () => cases };
