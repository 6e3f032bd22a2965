import assert from "node:assert/strict";
import type { Context } from "../context.ts";
import { type Moment, moments, orderJob } from "../order-job.ts";
import { lockedCustomer, startChild } from "../start-child.ts";
import type { Case, Suite } from "../suite.ts";
import { ended, enqueued, working, writers } from "../working.ts";

const cases: Case[] = [
  {
    name: `a worker that is killed with jobs ${moments.join(", ")} leaves one order and one completion of each`,
    async run(context) {
      const queue = context.jobType().name;
      const types = moments.map((moment) => orderJob(queue, moment));
      const { customer, release } = await lockedCustomer(context);
      const orders = moments.map((moment) =>
        context.order({ customer: moment === "at COMMIT" ? customer : null }),
      );
      const ids: string[] = [];
      for (const [index, type] of types.entries()) ids.push(await enqueued(context, type(orders[index]!)));
      const child = await startChild(context, { jobName: queue, work: true });
      const backend = async (moment: Moment) =>
        Number(
          (await context.within(moment, child.said(new RegExp(`^${moment}: backend (\\d+)\n`, "m"))))[1],
        );
      for (const moment of moments) await backend(moment);
      await context.reader.untilBlocked(await backend("at COMMIT"));
      await child.kill();
      await release();
      const ranAgain = await runAgain(context, queue);
      for (const [index, moment] of moments.entries()) {
        await ended(context, ids[index]!, "completed");
        const { order, job } = await writers(context, ids[index]!, orders[index]!);
        assert.notEqual(order, null, `killed ${moment}: the order of a completed job is missing`);
        assert.equal(
          order,
          job,
          `killed ${moment}: the order and the completion have different transactions`,
        );
      }
      assert.deepEqual(
        [...ranAgain].sort(),
        ["before its completion", "before its write"],
        "jobs that ran again",
      );
    },
  },
];

/** Another worker for the same jobs, and for which of them it was needed. */
async function runAgain(context: Context, queue: string): Promise<ReadonlySet<Moment>> {
  const again = new Set<Moment>();
  const { client } = await context.connection();
  const handlers = moments.map((moment) =>
    context.verbs.transactional(client, orderJob(queue, moment), async (tx, job) => {
      again.add(moment);
      await context.harness.insertOrder(tx, job.payload);
      return {};
    }),
  );
  await working(context, handlers, { pollMs: 100 });
  return again;
}

/** A worker that dies by SIGKILL leaves what its handler wrote together with the completion, or neither. */
export const killedHandler: Suite = { name: "killed handler", cases: () => cases };
