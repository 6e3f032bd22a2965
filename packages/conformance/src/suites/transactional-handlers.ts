import assert from "node:assert/strict";
import { createWorker, type Handler } from "@pillion/core/worker";
import { deferred, pidOf } from "../context.ts";
import { refusal } from "../expect.ts";
import { orderJob } from "../order-job.ts";
import type { Case, Suite } from "../suite.ts";
import { ended, endedWith, enqueued, working } from "../working.ts";
import { commitCases } from "./job-commit.ts";

const cases: readonly Case[] = [
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
      await endedWith(context, id, order);
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
      await endedWith(context, id, order);
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
      await endedWith(context, id, order);
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
  cases: () => [...cases, ...commitCases],
};
