import { defineJob, type } from "@pillion/core";
import { pidOf } from "./context.ts";
import { enqueueInEveryForm } from "./forms.ts";
import { type Harness, harnessName, type Order } from "./harness.ts";

/** What the suites `killed process` and `killed backend` ask of a process of their own. */
export interface ChildTask {
  readonly module: string;
  readonly harness: string;
  readonly url: string;
  readonly schema: string;
  readonly jobs: string;
  readonly jobName: string;
  readonly order: Order;
  /** Keep the transaction open for ever, or commit it. */
  readonly ending: "wait" | "commit";
}

const task = JSON.parse(process.argv[2]!) as ChildTask;
const { harnesses } = (await import(task.module)) as { harnesses: Harness[] };
const harness = harnesses.find((candidate) => harnessName(candidate) === task.harness);
if (!harness) throw new Error(`${task.module} exports no harness named ${task.harness}`);
const connection = await harness.connect({ url: task.url, schema: task.schema, poolSize: 2 });
const verbs = harness.adapter.configure({ schema: task.jobs });
await connection.transaction(async (tx) => {
  const pid = await pidOf(harness, tx);
  await harness.insertOrder(tx, task.order);
  await enqueueInEveryForm(verbs, tx, defineJob({ name: task.jobName, payload: type<unknown>() }));
  console.log(`backend ${pid}`);
  if (task.ending === "wait") await new Promise(() => {});
});
await connection.close();
