import assert from "node:assert/strict";
import type { OpenTransaction } from "../context.ts";
import { accepted, assertSqlState, rejection } from "../expect.ts";
import type { Case, Suite } from "../suite.ts";
import { committed, key } from "./committed-key.ts";

const timeouts = [
  { setting: "lock_timeout", state: "55P03" },
  { setting: "statement_timeout", state: "57014" },
].map(
  ({ setting, state }): Case => ({
    name: `a wait for a key ends with the database's own ${state} when ${setting} is over`,
    async run(context) {
      const type = context.jobType();
      const winner = await context.open(await context.connection());
      await context.verbs.enqueue(winner.tx, type(null, key));
      const open = await context.open(await context.connection());
      await context.harness.execute(open.tx, `set local ${setting} = 20`);
      const error = await rejection(
        context.verbs.enqueue(open.tx, type(null, key)),
        "an enqueue did not wait for a key whose holder is open",
      );
      assertSqlState(error, state, "the error's SQLSTATE");
      await open.rollback();
      await winner.commit();
      assert.equal((await context.reader.jobs(type.name)).length, 1, "jobs that exist");
    },
  }),
);

const cases: Case[] = [
  {
    name: "a rival's key that a REPEATABLE READ transaction cannot see is the database's own 40001, as the ORM throws it",
    async run(context) {
      const { harness } = context;
      const type = context.jobType();
      const open = await context.open(await context.connection(), { isolationLevel: "repeatable read" });
      await harness.execute(open.tx, "select count(*)::text from orders");
      await committed(context, type);
      const error = await rejection(
        context.verbs.enqueue(open.tx, type(null, key)),
        "an enqueue leaned on a job that its transaction cannot see",
      );
      await open.rollback();
      assertSqlState(error, "40001", "the error's SQLSTATE");
      const raised = await context.open(await context.connection());
      const own = await rejection(
        harness.execute(raised.tx, "do $$ begin raise sqlstate '40001'; end $$"),
        "the ORM swallowed an error",
      );
      assert.equal(
        (error as object).constructor.name,
        (own as object).constructor.name,
        "the error is not of the class that the ORM itself throws",
      );
    },
  },
  {
    name: "of two transactions that wait for each other's key one gets the database's own 40P01, and the other its job",
    async run(context) {
      const type = context.jobType();
      const connection = await context.connection();
      const [one, other] = [await context.open(connection), await context.open(connection)];
      const enqueue = (tx: object, uniqueKey: string) => context.verbs.enqueue(tx, type(null, { uniqueKey }));
      await enqueue(one.tx, "a");
      await enqueue(other.tx, "b");
      const waiting = enqueue(one.tx, "b");
      waiting.catch(() => {});
      await context.reader.untilBlocked(one.pid);
      const closing = enqueue(other.tx, "a");
      closing.catch(() => {});
      // The winner may be answered before the loser hears of it, or only once the loser has rolled back.
      const lost = async (answer: Promise<unknown>, loser: OpenTransaction) => ({
        error: await rejection(answer, "both transactions got the key that the other one holds"),
        loser,
      });
      const { error, loser } = await Promise.any([lost(waiting, one), lost(closing, other)]).catch(
        ({ errors }: AggregateError) => Promise.reject(errors[0]),
      );
      assertSqlState(error, "40P01", "the error's SQLSTATE");
      await loser.rollback();
      await accepted(loser === one ? closing : waiting, "the other enqueue failed too");
      await (loser === one ? other : one).commit();
      assert.equal((await context.reader.jobs(type.name)).length, 2, "jobs that exist");
    },
  },
];

/** What may end a wait for a key is the database's own error, as the ORM throws it; the transaction runs again. */
export const interruptedWaits: Suite = { name: "interrupted waits", cases: () => [...timeouts, ...cases] };
