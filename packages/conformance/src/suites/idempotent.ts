import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { PillionError } from "@pillion/core";
import { type Context, deferred, pidOf } from "../context.ts";
import { accepted, refusal, rejection } from "../expect.ts";
import type { Case, Suite } from "../suite.ts";

type Key = readonly [scope: string, key: string];
const freshKey = (): Key => ["orders.place", randomUUID()];

/** Calls in a transaction of its own, which commits. */
async function calls<T>(context: Context, key: Key, fn: (tx: object) => T | Promise<T>): Promise<T> {
  const connection = await context.connection();
  return connection.transaction((tx) => context.verbs.idempotent(tx, key, () => fn(tx)));
}

const never = (): never => assert.fail("the function of an answered call ran again");

const cases: Case[] = [
  {
    name: "the first call runs and its answer is every later call's, in whatever JSON carries",
    async run(context) {
      const key = freshKey();
      const order = context.order();
      const answer = { zip: "0", id: order.id, lines: [1, null, "ü"], left: undefined };
      const first = await calls(context, key, async (tx) => {
        await context.harness.insertOrder(tx, order);
        return answer;
      });
      assert.deepEqual(first, { zip: "0", id: order.id, lines: [1, null, "ü"] }, "the first caller's answer");
      const second = await calls<unknown>(context, key, never);
      assert.equal(JSON.stringify(second), JSON.stringify(first), "the second caller's answer");
      assert.equal(await context.reader.hasOrder(order.id), true, "the order");
      for (const nothing of [null, undefined]) {
        const key = freshKey();
        assert.equal(await calls(context, key, () => nothing), nothing, "the first caller's answer");
        assert.equal(await calls<unknown>(context, key, never), nothing, "the second caller's answer");
      }
    },
  },
  {
    name: "a call that rolls back never happened",
    async run(context) {
      const key = freshKey();
      const open = await context.open(await context.connection());
      await context.verbs.idempotent(open.tx, key, () => "rolled back");
      await open.rollback();
      assert.equal(await calls(context, key, () => "again"), "again", "the answer after a rolled-back call");
    },
  },
  {
    name: "a call waits for one with its key that is open, and gets its answer, or the key where that rolls back",
    async run(context) {
      for (const ending of ["commit", "rollback"] as const) {
        const key = freshKey();
        const open = await context.open(await context.connection());
        await context.verbs.idempotent(open.tx, key, () => "first");
        const pid = deferred<number>();
        const connection = await context.connection();
        const second = connection.transaction(async (tx) => {
          pid.resolve(await pidOf(context.harness, tx));
          return context.verbs.idempotent(tx, key, () => "second");
        });
        second.catch(() => {});
        await context.reader.untilBlocked(await pid.promise);
        await open[ending]();
        assert.equal(
          await context.within("the second call", second),
          ending === "commit" ? "first" : "second",
          `the answer after a ${ending}`,
        );
      }
    },
  },
  {
    name: "calls that get an answer do not wait for one another",
    async run(context) {
      const key = freshKey();
      await calls(context, key, () => "first");
      const open = await context.open(await context.connection());
      assert.equal(await context.verbs.idempotent(open.tx, key, never), "first", "the second call's answer");
      assert.equal(
        await context.within("a call beside one that is open", calls<unknown>(context, key, never)),
        "first",
        "the third call's answer",
      );
      await open.rollback();
    },
  },
  {
    name: "a function that undoes the call's own transaction is refused by name, and the key stays free",
    async run(context) {
      const key = freshKey();
      const connection = await context.connection();
      const { harness } = context;
      await refusal(
        connection.transaction(async (tx) => {
          await harness.execute(tx, "savepoint before_the_call");
          await context.verbs.idempotent(tx, key, async () => {
            await harness.execute(tx, "rollback to savepoint before_the_call");
            return "lost";
          });
        }),
        "TRANSACTION_CHANGED",
        "an answer that was not kept was given",
      );
      assert.equal(await calls(context, key, () => "again"), "again", "the answer after the refusal");
    },
  },
  {
    name: "a function that throws leaves its key free, also where the transaction goes on and commits",
    async run(context) {
      const key = freshKey();
      const order = context.order();
      const connection = await context.connection();
      const failure = new Error("not this time");
      const thrown = await connection.transaction(async (tx) => {
        const error = await rejection(
          context.verbs.idempotent(tx, key, () => Promise.reject(failure)),
          "the call resolved",
        );
        await accepted(context.harness.insertOrder(tx, order), "a throwing function spoilt the transaction");
        return error;
      });
      assert.equal(thrown, failure, "what the call was rejected with");
      assert.equal(await context.reader.hasOrder(order.id), true, "the order beside the call");
      assert.equal(await calls(context, key, () => "again"), "again", "the answer after the throw");
    },
  },
  {
    name: "a call for its own key in the same transaction is refused by name, and the transaction goes on",
    async run(context) {
      const key = freshKey();
      const answer = await calls(context, key, async (tx) => {
        const error = await rejection(
          context.verbs.idempotent(tx, key, () => "inner"),
          "a call for its own key went through",
        );
        assert.ok(PillionError.is(error) && error.code === "REENTRY", `refused with ${String(error)}`);
        return "outer";
      });
      assert.equal(answer, "outer", "the answer");
      assert.equal(await calls(context, key, never), "outer", "the later answer");
    },
  },
  {
    name: "an answer that JSON cannot carry is refused by its place, one that is too long by its size, and the key stays free",
    async run(context) {
      const key = freshKey();
      const error = await refusal(
        calls(context, key, () => ({ at: [new Date(0)] })),
        "INVALID_REQUEST",
        "a date was stored",
      );
      assert.match((error as Error).message, /at\.0/);
      await refusal(
        calls(context, key, () => "x".repeat(1_048_576)),
        "INVALID_REQUEST",
        "an answer of more than a MiB was stored",
      );
      assert.equal(await calls(context, key, () => "again"), "again", "the answer after the refusal");
    },
  },
  {
    name: "an answer that is kept no longer leaves its key to a new call",
    async run(context) {
      const key = freshKey();
      const connection = await context.connection();
      await connection.transaction((tx) => context.verbs.idempotent(tx, key, () => "old", { keepMs: 1 }));
      await context.reader.until(
        "the answer has expired",
        // A worker of another case may have swept it away.
        `select where not exists (
           select from ${context.place.jobs}.idempotency where key = $1 and expires_at >= clock_timestamp())`,
        [key[1]],
      );
      assert.equal(await calls(context, key, () => "new"), "new", "the answer");
      assert.equal(await calls(context, key, never), "new", "the later answer");
    },
  },
  {
    name: "wrong handles, keys and options are refused before the function runs",
    async run(context) {
      const { client } = await context.connection();
      const { verbs } = context;
      await refusal(verbs.idempotent(client, freshKey(), never), "NOT_IN_TRANSACTION", "the root client");
      const open = await context.open(await context.connection());
      for (const key of [["orders.place", ""], ["", "1"], ["a", "b", "c"], "orders", ["a", "x".repeat(513)]])
        await refusal(verbs.idempotent(open.tx, key as never, never), "INVALID_REQUEST", "a wrong key");
      await refusal(
        verbs.idempotent(open.tx, freshKey(), never, { keepMs: 0 }),
        "INVALID_REQUEST",
        "a wrong keepMs",
      );
      await refusal(
        verbs.idempotent(open.tx, freshKey(), undefined as never),
        "INVALID_REQUEST",
        "a call without a function",
      );
      await open.commit();
    },
  },
];

/** What is to be done once is done in the caller's transaction, and its answer is kept there. */
export const idempotentSuite: Suite = { name: "idempotent", cases: () => cases };
