import assert from "node:assert/strict";
import { type Context, pidOf } from "../context.ts";
import { accepted, rejection } from "../expect.ts";
import { enqueueInEveryForm } from "../forms.ts";
import type { Connection, Order } from "../harness.ts";
import { backendOf, lockedCustomer, startChild } from "../start-child.ts";
import type { Case, Suite } from "../suite.ts";

/** A client that is to lose its connection. Nobody waits for its end: some wait for ever for what they lost. */
async function connect(context: Context): Promise<Connection<object, object>> {
  const { url, schema } = context.place;
  const connection = await context.harness.connect({ url, schema, poolSize: 2 });
  context.after(() => void connection.close().catch(() => {}));
  return connection;
}

/** Runs a transaction up to COMMIT, in a process of its own where a lost connection may end the process. */
async function startCommit(context: Context, jobName: string, order: Order): Promise<number> {
  const { harness } = context;
  if (harness.traits.lostConnection === "ends the process")
    return backendOf(await startChild(context, { jobName, order, ending: "commit" }));
  const type = context.jobType(jobName);
  const connection = await connect(context);
  return new Promise((resolve, reject) => {
    const ended = connection.transaction(async (tx) => {
      await harness.insertOrder(tx, order);
      await enqueueInEveryForm(context.verbs, tx, type);
      resolve(await pidOf(harness, tx));
    });
    ended.catch(reject);
  });
}

async function assertNothing(context: Context, jobName: string, orderId: string): Promise<void> {
  const jobs = await context.reader.jobs(jobName);
  assert.equal(jobs.length, 0, `${jobs.length} jobs exist although their backend was killed`);
  assert.equal(
    await context.reader.hasOrder(orderId),
    false,
    "the order exists although its backend was killed",
  );
}

const cases: Case[] = [
  {
    name: "a backend killed while its COMMIT runs takes the order and its jobs with it",
    async run(context) {
      const { name } = context.jobType();
      const { customer, release } = await lockedCustomer(context);
      const order = context.order({ customer });
      const pid = await startCommit(context, name, order);
      await context.reader.untilBlocked(pid);
      await context.reader.query("select pg_terminate_backend($1)", [pid]);
      await context.reader.untilGone(pid);
      await release();
      await assertNothing(context, name, order.id);
    },
  },
  {
    name: "a backend killed before COMMIT takes order and jobs with it, and the client serves the next transaction",
    needs: "surviving a lost connection",
    async run(context) {
      const type = context.jobType();
      const order = context.order();
      const connection = await connect(context);
      await rejection(
        connection.transaction(async (tx) => {
          await context.harness.insertOrder(tx, order);
          await enqueueInEveryForm(context.verbs, tx, type);
          const pid = await pidOf(context.harness, tx);
          await context.reader.query("select pg_terminate_backend($1)", [pid]);
          await context.reader.untilGone(pid);
          await context.harness.insertOrder(tx, context.order());
        }),
        "the transaction resolved although its backend was killed",
      );
      await assertNothing(context, type.name, order.id);
      await accepted(
        connection.transaction((tx) => context.verbs.enqueue(tx, type(null))),
        "the next transaction failed",
      );
      assert.equal((await context.reader.jobs(type.name)).length, 1, "jobs of the next transaction");
    },
  },
];

/** A transaction whose backend dies leaves nothing. */
export const killedBackend: Suite = { name: "killed backend", cases: () => cases };
