import assert from "node:assert/strict";
import type { Context } from "../context.ts";
import { type Kill, kills, moments, orderJob } from "../order-job.ts";
import { lockedCustomer, startChild } from "../start-child.ts";
import type { Case, Suite } from "../suite.ts";
import { ended, enqueued, stepWriters, working, writers } from "../working.ts";

const cases: Case[] = [
  {
    name: `a worker that is killed in commit or in stepTx, with jobs ${moments.join(", ")}, leaves one order of each, and the completion or the step that belongs to it`,
    async run(context) {
      const queue = context.jobType().name;
      const { customer, release } = await lockedCustomer(context);
      const jobs = [];
      for (const { way, moment, kill } of kills) {
        const order = context.order({ customer: moment === "at COMMIT" ? customer : null });
        jobs.push({ way, kill, order, id: await enqueued(context, orderJob(queue, kill)(order)) });
      }
      const child = await startChild(context, { jobName: queue, work: true });
      const backend = async (kill: Kill) =>
        Number((await context.within(kill, child.said(new RegExp(`^${kill}: backend (\\d+)\n`, "m"))))[1]);
      for (const { kill } of kills) await backend(kill);
      for (const { moment, kill } of kills)
        if (moment === "at COMMIT") await context.reader.untilBlocked(await backend(kill));
      await child.kill();
      await release();
      const wrote = await workAgain(context, queue);
      for (const { way, kill, order, id } of jobs) {
        await ended(context, id, "completed");
        const by = await (way === "commit" ? writers : stepWriters)(context, id, order);
        assert.notEqual(by.order, null, `killed in ${kill}: the order of a completed job is missing`);
        assert.equal(
          by.order,
          by.last,
          `killed in ${kill}: the order and the ${way === "commit" ? "completion" : "step"} have different transactions`,
        );
      }
      const rolledBack = kills.filter(({ moment }) => moment.startsWith("before")).map(({ kill }) => kill);
      assert.deepEqual([...wrote].sort(), rolledBack.sort(), "jobs whose order was written again");
    },
  },
];

/** Another worker for the same jobs, and for which of them it writes an order. */
async function workAgain(context: Context, queue: string): Promise<ReadonlySet<Kill>> {
  const wrote = new Set<Kill>();
  const { client } = await context.connection();
  const handlers = kills.map(({ way, kill }) =>
    context.verbs.handle(client, orderJob(queue, kill), async (job) => {
      const write = async (tx: object) => {
        wrote.add(kill);
        await context.harness.insertOrder(tx, job.payload);
        return {};
      };
      return way === "commit" ? job.commit(write) : job.stepTx("place", write);
    }),
  );
  await working(context, handlers, { pollMs: 100 });
  return wrote;
}

/** A worker that dies by SIGKILL leaves what its handler wrote together with the completion or the step, or neither. */
export const killedHandler: Suite = { name: "killed handler", cases: () => cases };
