import assert from "node:assert/strict";
import { jobsOfEveryForm } from "../forms.ts";
import { backendOf, lockedCustomer, startChild } from "../start-child.ts";
import type { Case, Suite } from "../suite.ts";

const cases: Case[] = [
  {
    name: "a process killed after its enqueue and before COMMIT leaves neither order nor job",
    async run(context) {
      const { name } = context.jobType();
      const order = context.order();
      const child = await startChild(context, { jobName: name, order, ending: "wait" });
      const pid = await backendOf(child);
      await context.reader.until(
        "the child's transaction is idle",
        "select from pg_stat_activity where pid = $1 and state = 'idle in transaction'",
        [pid],
      );
      await child.kill();
      await context.reader.untilGone(pid);
      assert.equal((await context.reader.jobs(name)).length, 0, "a killed process left a job");
      assert.equal(await context.reader.hasOrder(order.id), false, "a killed process left an order");
    },
  },
  {
    name: "a process killed while its COMMIT runs leaves the order with its jobs, or neither",
    async run(context) {
      const { name } = context.jobType();
      const { customer, release } = await lockedCustomer(context);
      const order = context.order({ customer });
      const child = await startChild(context, { jobName: name, order, ending: "commit" });
      const pid = await backendOf(child);
      await context.reader.untilBlocked(pid);
      await child.kill();
      await release();
      await context.reader.untilGone(pid);
      const jobs = await context.reader.jobs(name);
      assert.equal(
        jobs.length,
        (await context.reader.hasOrder(order.id)) ? jobsOfEveryForm : 0,
        "a killed process left the order and its jobs apart",
      );
    },
  },
];

/** A process that dies by SIGKILL leaves its order and its jobs, or neither. */
export const killedProcess: Suite = { name: "killed process", cases: () => cases };
