import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { handle } from "@pillion/core/worker";
import type { Context } from "../context.ts";
import { accepted, refusal } from "../expect.ts";
import { orderJob } from "../order-job.ts";
import { ordersIn, xidOf } from "../seen.ts";
import type { Case, Suite } from "../suite.ts";
import { leavingSteps, waitingJobs } from "./stepped-jobs.ts";

const cases: Case[] = [
  {
    name: "what the transaction has enqueued is run in it, with what that enqueues, and no other job",
    async run(context) {
      const connection = await context.connection();
      const { verbs, testing } = context;
      const name = context.jobType().name;
      const [first, second] = [orderJob(name), orderJob(name, "follow-up")];
      const waiting = await verbs.enqueueStandalone(connection.client, first(context.order()));
      const [order, child] = [context.order({ total: 2 }), context.order()];
      const open = await context.open(connection);
      const xid = await xidOf(context, open.tx);
      const seen: unknown[] = [];
      const handlers = [
        verbs.transactional(connection.client, first, async (tx, job) => {
          seen.push(await xidOf(context, tx));
          await context.harness.insertOrder(tx, job.payload);
          await verbs.enqueue(tx, second(child));
          return { total: job.payload.total };
        }),
        verbs.handle(connection.client, second, (job) =>
          job.commit(async (tx: object) => {
            seen.push(await xidOf(context, tx));
            await context.harness.insertOrder(tx, job.payload);
            return { total: 0 };
          }),
        ),
      ];
      const { id } = await verbs.enqueue(open.tx, first(order));
      const { ran } = await accepted(testing.runEnqueued(open.tx, handlers), "the jobs did not run");
      assert.deepEqual(seen, [xid, xid], "the transactions that the handlers were given");
      assert.deepEqual(
        ran.map(({ id: _, ...rest }) => rest),
        [
          { name: first.name, attempt: 1, state: "completed", result: { total: 2 } },
          { name: second.name, attempt: 1, state: "completed", result: { total: 0 } },
        ],
        "what ran",
      );
      assert.equal(ran[0]!.id, id, "the id of what ran");
      for (const { id } of [order, child])
        assert.equal(await ordersIn(context, open.tx, id), 1, "orders in the transaction");
      for (const type of [first, second])
        await accepted(
          testing.expectEnqueued(open.tx, type, {}, { times: 0 }),
          "a job that has run is still there",
        );
      await open.rollback();
      const left = await context.reader.jobs(first.name);
      assert.deepEqual(
        left.map(({ id, state, attempt }) => [id, state, attempt]),
        [[waiting.id, "ready", "0"]],
        "the job that was committed before",
      );
      assert.equal(await context.reader.hasOrder(order.id), false, "an order was committed");
    },
  },
  {
    name: "ROLLBACK leaves every table as it was",
    async run(context) {
      const jobs = `jobs_${randomUUID()}`;
      context.after(await context.place.makeJobs(jobs));
      const verbs = context.verbs.configure({ schema: jobs });
      const testing = context.testing.configure({ schema: jobs });
      const connection = await context.connection();
      const name = context.jobType().name;
      const [type, failing] = [orderJob(name), orderJob(name, "failing")];
      const { stepping, never, handlers: stepHandlers } = leavingSteps(name);
      await verbs.enqueueStandalone(connection.client, type(context.order(), { uniqueKey: "held" }));
      const before = await contents(context, jobs);
      assert.match(before, /"job":\[\{/, "the job that was committed before");
      const open = await context.open(connection);
      await verbs.enqueueMany(open.tx, [
        type(context.order()),
        type(context.order(), { uniqueKey: "held" }),
        type(context.order(), { uniqueKey: "free" }),
        failing(context.order()),
        failing(context.order(), { maxAttempts: 1 }),
        stepping(null),
      ]);
      await verbs.emit(open.tx, never("other"), null);
      const handlers = [
        verbs.transactional(connection.client, type, async (tx, job) => {
          await context.harness.insertOrder(tx, job.payload);
          return { total: 1 };
        }),
        handle(failing, () => {
          throw new Error("no");
        }),
        ...stepHandlers,
      ];
      await refusal(testing.runEnqueued(open.tx, handlers), "JOBS_FAILED", "a failing job went unnoticed");
      const count = (table: string) => `(select count(*) from "${jobs}".${table})::text as ${table}`;
      const [inside] = await context.harness.execute(
        open.tx,
        `select ${["archive", "attempts", "checkpoint", "wait", "event"].map(count).join(", ")}`,
      );
      const written = { archive: "4", attempts: "7", checkpoint: "3", wait: "1", event: "1" };
      assert.deepEqual(inside, written, "what the transaction has written");
      await open.rollback();
      assert.equal(await contents(context, jobs), before, "the contents of the schema");
    },
  },
  {
    name: "jobs that are later than `now` stay, and run once it has come",
    async run(context) {
      const { tx } = await context.open(await context.connection());
      const { verbs, testing } = context;
      const type = context.jobType();
      const hour = 3_600_000;
      const minutes: unknown[] = [];
      const handlers = [handle(type, ({ payload }) => void minutes.push(payload))];
      const [{ clock }] = (await context.harness.execute(
        tx,
        "select (extract(epoch from now()) * 1000)::text as clock",
      )) as [{ clock: string }];
      const later = (ms: number) => new Date(Number(clock) + ms);
      await verbs.enqueueMany(tx, [
        type("in two hours", { delayMs: 2 * hour }),
        type("in one hour", { runAt: later(hour) }),
        type("tomorrow", { delayMs: 24 * hour }),
        type("at once", { priority: -1 }),
      ]);
      await testing.runEnqueued(tx, handlers);
      assert.deepEqual(minutes, ["at once"], "what is due by the database's clock");
      // Due is what a worker would run now: time does not go back.
      await testing.runEnqueued(tx, handlers, { now: new Date(0) });
      assert.deepEqual(minutes, ["at once"], "what is due in 1970");
      await testing.runEnqueued(tx, handlers, { now: later(3 * hour) });
      assert.deepEqual(minutes, ["at once", "in one hour", "in two hours"], "what is due in three hours");
      await accepted(testing.expectEnqueued(tx, type, "tomorrow", { times: 1 }), "what is later is gone");
    },
  },
  {
    name: "what no handler takes stays, and so does a duplicate's holder",
    async run(context) {
      const connection = await context.connection();
      const { verbs, testing } = context;
      const [handled, other] = [context.jobType(), context.jobType()];
      await verbs.enqueueStandalone(connection.client, handled("held", { uniqueKey: "k" }));
      const { tx } = await context.open(connection);
      await verbs.enqueueMany(tx, [handled("duplicate", { uniqueKey: "k" }), other("unhandled")]);
      const ambient = verbs.ambient(() => tx);
      const { ran } = await testing.runEnqueued(ambient, [handle(handled, () => {})]);
      assert.deepEqual(ran, [], "what ran");
      await accepted(testing.expectEnqueued(ambient, other, "unhandled"), "a job without a handler is gone");
    },
  },
  {
    name: "jobs of an inner transaction are run by the outer one, and by the inner one",
    needs: "savepoints",
    async run(context) {
      const { tx } = await context.open(await context.connection());
      const { harness, verbs, testing } = context;
      const type = context.jobType();
      const seen: unknown[] = [];
      const handlers = [handle(type, ({ payload }) => void seen.push(payload))];
      const nested = harness.savepoint!(tx, async (inner) => {
        await verbs.enqueue(inner, type(1));
        await testing.runEnqueued(inner, handlers);
        await verbs.enqueue(inner, type(2));
      });
      await accepted(nested, "the inner transaction");
      assert.deepEqual(seen, [1], "what ran in the inner transaction");
      await testing.runEnqueued(tx, handlers);
      assert.deepEqual(seen, [1, 2], "what ran");
    },
  },
  {
    name: "a job that snoozes keeps what it wrote, and runs again once `now` is past its delay",
    async run(context) {
      const connection = await context.connection();
      const { tx } = await context.open(connection);
      const { verbs, testing } = context;
      const type = orderJob(context.jobType().name);
      const orders = [context.order(), context.order()];
      const handlers = [
        verbs.transactional(connection.client, type, async (tx, job) => {
          await context.harness.insertOrder(tx, orders.shift()!);
          return orders.length > 0 ? job.snooze({ delayMs: 60_000 }) : { total: 1 };
        }),
      ];
      const [first] = orders;
      await verbs.enqueue(tx, type(context.order()));
      const once = await testing.runEnqueued(tx, handlers);
      assert.deepEqual(
        once.ran.map(({ attempt, state }) => [attempt, state]),
        [[1, "scheduled"]],
        "once",
      );
      assert.equal(await ordersIn(context, tx, first!.id), 1, "what it wrote before it snoozed");
      assert.deepEqual((await testing.runEnqueued(tx, handlers)).ran, [], "what ran before its time");
      const now = new Date(Date.now() + 3_600_000);
      const again = await testing.runEnqueued(tx, handlers, { now });
      assert.deepEqual(
        again.ran.map(({ attempt, state }) => [attempt, state]),
        [[1, "completed"]],
        "again",
      );
    },
  },
  {
    name: "a chain of jobs without an end is ended by an error",
    async run(context) {
      const connection = await context.connection();
      const { tx } = await context.open(connection);
      const { verbs, testing } = context;
      const type = orderJob(context.jobType().name);
      const handlers = [
        verbs.transactional(connection.client, type, async (tx, job) => {
          await verbs.enqueue(tx, type(job.payload));
          return { total: 1 };
        }),
      ];
      await verbs.enqueue(tx, type(context.order()));
      const { message } = await refusal(
        testing.runEnqueued(tx, handlers, { maxJobs: 5 }),
        "INVALID_REQUEST",
        "a chain without an end ended",
      );
      assert.match(message, /has run 5 jobs/);
    },
  },
  {
    name: "what is no transaction is refused, and so are handlers and options that cannot be meant",
    async run(context) {
      const connection = await context.connection();
      const type = context.jobType();
      const handlers = [handle(type, () => {})];
      const { runEnqueued } = context.testing;
      await refusal(runEnqueued(connection.client, handlers), "NOT_IN_TRANSACTION", "the root client passed");
      const { tx } = await context.open(connection);
      await context.verbs.enqueue(tx, type(null));
      for (const bad of [
        runEnqueued(tx, handlers[0] as never),
        runEnqueued(tx, [type] as never),
        runEnqueued(tx, [...handlers, ...handlers]),
        runEnqueued(tx, handlers, { now: new Date(Number.NaN) }),
        runEnqueued(tx, handlers, { maxJobs: 0 }),
      ])
        await refusal(bad, "INVALID_REQUEST", "a call that cannot be meant passed");
      const { ran } = await runEnqueued(tx, handlers);
      assert.equal(ran.length, 1, "jobs that ran after the refusals");
    },
  },
];

/** Every row of every table of a schema. Sequences go on, as they do after any rollback. */
async function contents({ reader }: Context, schema: string): Promise<string> {
  const tables = await reader.query(
    "select table_name as name from information_schema.tables where table_schema = $1 and table_type = 'BASE TABLE' order by 1",
    [schema],
  );
  assert.ok(tables.length > 10, "tables of the schema");
  const rows = tables.map(async ({ name }) => [
    name,
    (await reader.query(`select to_jsonb(t) as row from "${schema}"."${name}" t order by t::text`)).map(
      ({ row }) => row,
    ),
  ]);
  return JSON.stringify(Object.fromEntries(await Promise.all(rows)));
}

/** A test runs what its own transaction has enqueued, inside it. */
export const runEnqueuedSuite: Suite = { name: "runEnqueued", cases: () => [...cases, ...waitingJobs] };
