import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ChildTask } from "../child.ts";
import type { Context } from "../context.ts";
import { jobsOfEveryForm } from "../forms.ts";
import { harnessName } from "../harness.ts";
import type { Suite } from "../suite.ts";

/** Starts a process that opens a transaction with an order and a job; answers its backend. */
async function startChild(context: Context, task: Pick<ChildTask, "jobName" | "order" | "ending">) {
  const { harness, place, childArguments } = context;
  const whole: ChildTask = {
    ...task,
    module: harness.module,
    harness: harnessName(harness),
    url: place.url,
    schema: place.schema,
    jobs: place.jobs,
  };
  const entry = new URL(import.meta.url.endsWith(".ts") ? "../child.ts" : "./child.js", import.meta.url);
  const child = spawn(process.execPath, [...childArguments, fileURLToPath(entry), JSON.stringify(whole)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  context.after(() => child.kill("SIGKILL"));
  return { child, pid: await context.within("the child process's transaction", pidFrom(child)) };
}

async function pidFrom(child: ChildProcess): Promise<number> {
  let said = "";
  let complaint = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  for await (const text of child.stdout!.setEncoding("utf8")) {
    said += text;
    const found = /backend (\d+)\n/.exec(said);
    if (found) return Number(found[1]);
  }
  return assert.fail(`the child process ended without a transaction: ${complaint}`);
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

/** A process that dies by SIGKILL leaves its order and its jobs, or neither. */
export const killedProcess: Suite = {
  name: "killed process",
  cases: () => [
    {
      name: "a process killed after its enqueue and before COMMIT leaves neither order nor job",
      async run(context) {
        const { name } = context.jobType();
        const order = context.order();
        const { child, pid } = await startChild(context, { jobName: name, order, ending: "wait" });
        await context.reader.until(
          "the child's transaction is idle",
          "select from pg_stat_activity where pid = $1 and state = 'idle in transaction'",
          [pid],
        );
        await kill(child);
        await context.reader.untilGone(pid);
        assert.equal((await context.reader.jobs(name)).length, 0, "a killed process left a job");
        assert.equal(await context.reader.hasOrder(order.id), false, "a killed process left an order");
      },
    },
    {
      name: "a process killed while its COMMIT runs leaves the order with its jobs, or neither",
      async run(context) {
        const { name } = context.jobType();
        const customer = randomUUID();
        await context.reader.query(`insert into ${context.place.schema}.customers values ($1)`, [customer]);
        const holder = await context.reader.begin();
        context.after(() => holder.rollback());
        await holder.query(`select from ${context.place.schema}.customers where id = $1 for update`, [
          customer,
        ]);
        const order = context.order({ customer });
        const { child, pid } = await startChild(context, { jobName: name, order, ending: "commit" });
        await context.reader.untilBlocked(pid);
        await kill(child);
        await holder.rollback();
        await context.reader.untilGone(pid);
        const jobs = await context.reader.jobs(name);
        assert.equal(
          jobs.length,
          (await context.reader.hasOrder(order.id)) ? jobsOfEveryForm : 0,
          "a killed process left the order and its jobs apart",
        );
      },
    },
  ],
};
