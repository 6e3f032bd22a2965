import assert from "node:assert/strict";
import { PillionError } from "@pillion/core";
import { deferred, pidOf } from "../context.ts";
import { refusal, rejection } from "../expect.ts";
import { orderJob } from "../order-job.ts";
import type { Case } from "../suite.ts";
import { ended, endedWith, enqueued, working } from "../working.ts";

/** Of the suite of transactional handlers: `job.commit`, which opens its transaction where the handler is ready for it. */
export const commitCases: readonly Case[] = [
  {
    name: "job.commit completes the job in a short transaction, and none is open before it",
    async run(context) {
      const placed = orderJob(context.jobType().name);
      const connection = await context.connect({ poolSize: 1 });
      const pid = await connection.transaction((tx) => pidOf(context.harness, tx));
      const pids: number[] = [];
      const [waiting, go] = [deferred<void>(), deferred<void>()];
      const handler = context.verbs.handle(connection.client, placed, async (job) => {
        waiting.resolve();
        await go.promise;
        return job.commit(async (tx: object) => {
          pids.push(await pidOf(context.harness, tx));
          await context.harness.insertOrder(tx, job.payload);
          return { total: 3 };
        });
      });
      await working(context, [handler]);
      const order = context.order();
      const id = await enqueued(context, placed(order));
      await context.within("the handler", waiting.promise);
      const open = await context.reader.query(
        "select from pg_stat_activity where pid = $1 and xact_start is not null",
        [pid],
      );
      assert.equal(open.length, 0, "connections in a transaction while the handler waits for the outside");
      go.resolve();
      await endedWith(context, id, order);
      assert.deepEqual(pids, [pid], "the client's only connection");
    },
  },
  {
    name: "job.commit is refused a second time, and what the first committed stays",
    async run(context) {
      const placed = orderJob(context.jobType().name);
      const { client } = await context.connection();
      const second = deferred<unknown>();
      const [one, other] = [context.order(), context.order()];
      const handler = context.verbs.handle(client, placed, async (job) => {
        const result = await job.commit(async (tx: object) => {
          await context.harness.insertOrder(tx, one);
          return { total: 1 };
        });
        try {
          await job.commit(async (tx: object) => {
            await context.harness.insertOrder(tx, other);
            return { total: 2 };
          });
          second.resolve(undefined);
        } catch (error) {
          second.resolve(error);
        }
        return result;
      });
      await working(context, [handler]);
      const id = await enqueued(context, placed(one));
      await refusal(
        context.within("the handler", second.promise).then((error) => Promise.reject(error)),
        "INVALID_REQUEST",
        "a second commit went through",
      );
      await ended(context, id, "completed");
      assert.deepEqual(
        [await context.reader.hasOrder(one.id), await context.reader.hasOrder(other.id)],
        [true, false],
        "orders",
      );
    },
  },
  {
    name: "job.commit after the job has passed to another worker is refused, and commits nothing",
    async run(context) {
      const placed = orderJob(context.jobType().name);
      const { client } = await context.connection();
      const [started, passed] = [deferred<void>(), deferred<void>()];
      const committed = deferred<unknown>();
      const handler = context.verbs.handle(client, placed, async (job) => {
        started.resolve();
        await passed.promise;
        const commit = job.commit(async (tx: object) => {
          await context.harness.insertOrder(tx, job.payload);
          return { total: 1 };
        });
        commit.then(committed.resolve, committed.reject);
        return commit;
      });
      await working(context, [handler]);
      const order = context.order();
      const id = await enqueued(context, placed(order));
      await context.within("the handler", started.promise);
      await context.reader.query(
        `update ${context.place.jobs}.job set claim = nextval('${context.place.jobs}.claim') where id = $1`,
        [id],
      );
      passed.resolve();
      const error = await refusal(
        context.within("the commit", committed.promise),
        "LEASE_LOST",
        "a commit of a lost attempt went through",
      );
      assert.match(error.message, new RegExp(`job ${id} "${placed.name}" \\(attempt 1 of 3\\)`));
      assert.equal(await context.reader.hasOrder(order.id), false, "a write of a lost attempt was committed");
    },
  },
  {
    name: "a commit that fails is the attempt's failure, also where the handler does not await it and swallows its error",
    async run(context) {
      const placed = orderJob(context.jobType().name);
      const { client } = await context.connection();
      const handler = context.verbs.handle(client, placed, (job) => {
        const commit = job.commit(async (tx: object) => {
          await context.harness.insertOrder(tx, job.payload);
          if (job.attempt === 1) throw new Error("the first commit fails");
          return { total: 1 };
        });
        commit.catch(() => {});
        return { total: 0 };
      });
      await working(context, [handler]);
      const order = context.order();
      const id = await enqueued(context, placed(order));
      await endedWith(context, id, order);
    },
  },
  {
    name: "job.commit is refused without a function, with a transaction, and after its handler has ended",
    async run(context) {
      const placed = orderJob(context.jobType().name);
      const { client } = await context.connection();
      const open = await context.open(await context.connection());
      const refused = deferred<unknown[]>();
      let late: (() => Promise<unknown>) | undefined;
      const attempted = (act: () => unknown) =>
        rejection((async () => act())(), "a wrong commit went through");
      const handler = context.verbs.handle(client, placed, async (job) => {
        const { commit } = job as { commit: (fn?: unknown) => Promise<unknown> };
        refused.resolve([await attempted(() => commit()), await attempted(() => commit(open.tx))]);
        late = () =>
          job.commit(async (tx: object) => {
            await context.harness.insertOrder(tx, job.payload);
            return { total: 1 };
          });
        return { total: 0 };
      });
      await working(context, [handler]);
      const order = context.order();
      const id = await enqueued(context, placed(order));
      const errors = await context.within("the handler", refused.promise);
      await ended(context, id, "completed");
      errors.push(await attempted(() => late!()));
      await open.commit();
      for (const [index, said] of [
        /got nothing/,
        /takes a function/,
        /after its handler had ended/,
      ].entries()) {
        const error = errors[index];
        assert.ok(
          PillionError.is(error) && error.code === "INVALID_REQUEST",
          `refused with ${String(error)}`,
        );
        assert.match(error.message, said);
        assert.match(error.message, new RegExp(`^job ${id} `));
      }
      assert.equal(await context.reader.hasOrder(order.id), false, "the order of a refused commit");
    },
  },
  {
    name: "a handler that throws after its commit leaves the job completed, and the worker says so",
    async run(context) {
      const placed = orderJob(context.jobType().name);
      const { client } = await context.connection();
      const handler = context.verbs.handle(client, placed, async (job) => {
        await job.commit(async (tx: object) => {
          await context.harness.insertOrder(tx, job.payload);
          return { total: 1 };
        });
        throw new Error("too late");
      });
      const { said } = await working(context, [handler]);
      const order = context.order();
      const id = await enqueued(context, placed(order));
      await ended(context, id, "completed");
      const line = await context.within("the worker's line", said(`job ${id} `));
      assert.match(line, /threw after its completion was committed, and stays completed: .*too late/);
      assert.equal(await context.reader.hasOrder(order.id), true, "the order");
    },
  },
];
