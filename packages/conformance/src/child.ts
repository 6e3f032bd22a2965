import { enqueueInChild } from "./child-enqueue.ts";
import { workInChild } from "./child-work.ts";
import { type Harness, harnessName, type Order } from "./harness.ts";

/** What suites ask of a process of their own, which they then kill. */
export type ChildTask = EnqueueTask | WorkTask;

interface TaskPlace {
  readonly module: string;
  readonly harness: string;
  readonly url: string;
  readonly schema: string;
  readonly jobs: string;
  readonly jobName: string;
}

/** Insert the order and enqueue jobs, in one transaction. */
export interface EnqueueTask extends TaskPlace {
  readonly order: Order;
  /** Keep the transaction open for ever, or commit it. */
  readonly ending: "wait" | "commit";
}

/** Run jobs whose handlers write the order that is their payload: one for each moment. */
export interface WorkTask extends TaskPlace {
  readonly work: true;
}

const task = JSON.parse(process.argv[2]!) as ChildTask;
const { harnesses } = (await import(task.module)) as { harnesses: Harness[] };
const harness = harnesses.find((candidate) => harnessName(candidate) === task.harness);
if (!harness) throw new Error(`${task.module} exports no harness named ${task.harness}`);
const connection = await harness.connect({ url: task.url, schema: task.schema, poolSize: 8 });
const verbs = harness.adapter.configure({ schema: task.jobs });
console.log("started");
const parts = { harness, connection, verbs };
await ("work" in task ? workInChild(parts, task) : enqueueInChild(parts, task));
await connection.close();
