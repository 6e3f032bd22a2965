import assert from "node:assert/strict";
import { PillionError } from "@pillion/core";
import { createWorker, type Handler } from "@pillion/core/worker";
import { deferred, pidOf } from "../context.ts";
import { refusal, rejection } from "../expect.ts";
import { orderJob } from "../order-job.ts";
import type { Case, Suite } from "../suite.ts";
import { ended, enqueued, working, writers } from "../working.ts";

const cases: Case[] = [
  {
    name: "what a handler writes and its completion are one transaction",
    async run(context) {
      const placed = orderJob(context.jobType().name);
      const { client } = await context.connection();
      const handler = context.verbs.transactional(client, placed, async (tx, job) => {
        await context.harness.insertOrder(tx, job.payload);
        return { total: job.payload.total };
      });
      await working(context, [handler]);
      const order = context.order({ total: 7 });
      const id = await enqueued(context, placed(order));
      await ended(context, id, "completed");
      const { order: wrote, last: job } = await writers(context, id, order);
      assert.notEqual(wrote, null, "the order of a completed job is missing");
      assert.equal(wrote, job, "the order and the completion have different transactions");
      const [{ result, attempt }] = (await context.reader.query(
        `select result::text, attempt::text from ${context.place.jobs}.archive where id = $1`,
        [id],
      )) as [Record<string, string>];
      assert.deepEqual([JSON.parse(result!), attempt], [{ total: 7 }, "1"], "result and attempt");
    },
  },
  {
    name: "a throw rolls back what a handler has written, and the next attempt writes it once",
    async run(context) {
      const placed = orderJob(context.jobType().name);
      const { client } = await context.connection();
      const handler = context.verbs.transactional(client, placed, async (tx, job) => {
        await context.harness.insertOrder(tx, job.payload);
        if (job.attempt === 1) throw new Error("the first attempt fails");
        return { total: 0 };
      });
      await working(context, [handler]);
      const order = context.order();
      const id = await enqueued(context, placed(order));
      await ended(context, id, "completed");
      const { order: wrote, last: job } = await writers(context, id, order);
      assert.equal(wrote, job, "the order and the completion have different transactions");
      const attempts = await context.reader.query(
        `select attempt::text, outcome from ${context.place.jobs}.attempts where job = $1 order by attempt`,
        [id],
      );
      assert.deepEqual(
        attempts,
        [
          { attempt: "1", outcome: "failed" },
          { attempt: "2", outcome: "completed" },
        ],
        "attempts",
      );
    },
  },
  {
    name: "a handler whose job has passed to another worker commits nothing",
    async run(context) {
      const placed = orderJob(context.jobType().name);
      const { client } = await context.connection();
      const [written, passed] = [deferred<void>(), deferred<void>()];
      const ran = deferred<AbortSignal>();
      const handler = context.verbs.transactional(client, placed, async (tx, job) => {
        await context.harness.insertOrder(tx, job.payload);
        written.resolve();
        await passed.promise;
        ran.resolve(job.signal);
        return { total: 0 };
      });
      await working(context, [handler]);
      const order = context.order();
      const id = await enqueued(context, placed(order));
      await context.within("the handler", written.promise);
      await context.reader.query(
        `update ${context.place.jobs}.job set claim = nextval('${context.place.jobs}.claim') where id = $1`,
        [id],
      );
      passed.resolve();
      const signal = await context.within("the handler", ran.promise);
      const aborted = new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener("abort", () => resolve());
      });
      await Promise.race([
        aborted,
        context.reader.until(
          "the handler's transaction has ended",
          `select from ${context.place.schema}.orders where id = $1`,
          [order.id],
        ),
      ]);
      assert.equal(await context.reader.hasOrder(order.id), false, "a write of a lost attempt was committed");
      assert.equal(signal.reason?.code, "LEASE_LOST", "the signal's reason");
      const [job] = await context.reader.jobs(placed.name);
      assert.equal(job?.state, "running", "the job that another worker has");
    },
  },
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
      await ended(context, id, "completed");
      assert.deepEqual(pids, [pid], "the client's only connection");
      const { order: wrote, last: job } = await writers(context, id, order);
      assert.notEqual(wrote, null, "the order of a completed job is missing");
      assert.equal(wrote, job, "the order and the completion have different transactions");
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
      await ended(context, id, "completed");
      const { order: wrote, last: job } = await writers(context, id, order);
      assert.notEqual(wrote, null, "the order of a completed job is missing");
      assert.equal(wrote, job, "the order and the completion have different transactions");
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
    name: "a statement that nobody awaits and that fails undoes the writes and the completion, and the job runs again",
    async run(context) {
      const placed = orderJob(context.jobType().name);
      const { client } = await context.connection();
      let runs = 0;
      const handler = context.verbs.transactional(client, placed, async (tx, job) => {
        await context.harness.insertOrder(tx, job.payload);
        // Behind the completion, as a rule, and before COMMIT: most ORMs do not look what that answers.
        if (++runs === 1) setImmediate(() => context.harness.execute(tx, "select 1 / 0").catch(() => {}));
        return { total: runs };
      });
      await working(context, [handler], { pollMs: 100 });
      const order = context.order();
      const id = await enqueued(context, placed(order));
      await ended(context, id, "completed");
      const { order: wrote, last: job } = await writers(context, id, order);
      assert.notEqual(wrote, null, "the order of a completed job is missing");
      assert.equal(wrote, job, "the order and the completion have different transactions");
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
      const lines = await working(context, [handler]);
      const order = context.order();
      const id = await enqueued(context, placed(order));
      await ended(context, id, "completed");
      const said = () => lines.find((line) => line.startsWith(`job ${id} `)) ?? "";
      const heard = async () => {
        while (said() === "") await context.reader.query("select pg_sleep(0.01)");
      };
      await context.within("the worker's line", heard());
      assert.match(said(), /threw after its completion was committed, and stays completed: .*too late/);
      assert.equal(await context.reader.hasOrder(order.id), true, "the order");
    },
  },
  {
    name: "a transaction that Postgres refuses because of another one is run again in the same attempt",
    async run(context) {
      const placed = orderJob(context.jobType().name);
      const { client } = await context.connection();
      let runs = 0;
      const handler = context.verbs.transactional(client, placed, async (tx, job) => {
        runs++;
        await context.harness.insertOrder(tx, job.payload);
        if (runs === 1)
          await context.harness.execute(
            tx,
            "do $$ begin raise exception using errcode = 'serialization_failure'; end $$",
          );
        return { total: runs };
      });
      await working(context, [handler]);
      const order = context.order();
      const id = await enqueued(context, placed(order));
      await ended(context, id, "completed");
      const [{ attempt }] = (await context.reader.query(
        `select attempt::text from ${context.place.jobs}.archive where id = $1`,
        [id],
      )) as [Record<string, string>];
      assert.deepEqual([runs, attempt], [2, "1"], "runs and attempt");
      assert.equal(await context.reader.hasOrder(order.id), true, "the order");
    },
  },
  {
    name: "a handler waits out whoever has its job locked, and completes",
    async run(context) {
      const placed = orderJob(context.jobType().name);
      const { client } = await context.connection();
      const [written, go] = [deferred<number>(), deferred<void>()];
      const handler = context.verbs.transactional(client, placed, async (tx, job) => {
        await context.harness.insertOrder(tx, job.payload);
        written.resolve(await pidOf(context.harness, tx));
        await go.promise;
        return { total: 1 };
      });
      await working(context, [handler]);
      const order = context.order();
      const id = await enqueued(context, placed(order));
      const pid = await context.within("the handler", written.promise);
      const open = await context.open(await context.connection());
      await context.harness.execute(
        open.tx,
        `select from ${context.place.jobs}.job where id = ${id} for update`,
      );
      go.resolve();
      await context.reader.until(
        "the completion finds the job locked",
        "select from pg_stat_activity where pid = $1 and state = 'idle in transaction' and query like '%complete(%'",
        [pid],
      );
      assert.equal(await context.reader.hasOrder(order.id), false, "the order of a job that is locked");
      await open.rollback();
      await ended(context, id, "completed");
      assert.equal(await context.reader.hasOrder(order.id), true, "the order");
    },
  },
  {
    name: "a worker refuses to start where a handler's client sees another jobs table than its own",
    async run(context) {
      const placed = orderJob(context.jobType().name);
      const { client } = await context.connection();
      const handler = context.verbs.transactional(client, placed, () => ({ total: 0 }));
      const foreign = { ...handler, effects: { ...handler.effects!, sees: seesNothing(handler) } };
      const worker = createWorker({
        database: context.place.url,
        schema: context.place.jobs,
        handlers: [foreign],
        logger: false,
      });
      context.after(() => worker.stop());
      await refusal(worker.start(), "INVALID_CONFIGURATION", "the worker started");
      const left = await context.reader.query(
        `select from ${context.place.jobs}.worker where $1 = any (names) and stopped_at is null`,
        [placed.name],
      );
      assert.equal(left.length, 0, "workers that seem to live");
    },
  },
  {
    name: "transactional takes the root client only",
    async run(context) {
      const placed = orderJob(context.jobType().name);
      const open = await context.open(await context.connection());
      await refusal(
        (async () => context.verbs.transactional(open.tx, placed, () => ({ total: 0 })))(),
        "INVALID_DEFINITION",
        "transactional accepted a transaction",
      );
      await open.commit();
    },
  },
];

/** Asks for the same worker with another nonce, as a copy of the database would have it. */
function seesNothing(handler: Handler): (worker: string, nonce: string) => Promise<boolean> {
  return (worker) => handler.effects!.sees(worker, "00000000-0000-4000-8000-000000000000");
}

/** What a handler writes in its ORM's transaction, and the completion of its job, are one commit. */
export const transactionalHandlers: Suite = {
  name: "transactional handlers",
  cases: () => cases,
};
