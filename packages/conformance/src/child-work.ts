import { createWorker, type Handler } from "@pillion/core/worker";
import type { WorkTask } from "./child.ts";
import type { ChildParts } from "./child-enqueue.ts";
import { pidOf } from "./context.ts";
import { type Kill, kills, orderJob } from "./order-job.ts";

/** Takes one job for each way to be killed, stays there with it, and says so. Runs until it is killed. */
export async function workInChild(
  { harness, connection: { client }, verbs }: ChildParts,
  { url, jobs, jobName }: WorkTask,
): Promise<void> {
  const forEver = () => new Promise<never>(() => {});
  const reached = (kill: Kill, pid: number) => console.log(`${kill}: backend ${pid}`);
  const handlers = kills.map(
    ({ way, moment, kill }): Handler =>
      verbs.handle(client, orderJob(jobName, kill), async (job) => {
        const write = async (tx: object) => {
          const pid = await pidOf(harness, tx);
          if (moment === "before its write") {
            reached(kill, pid);
            await forEver();
          }
          await harness.insertOrder(tx, job.payload);
          if (moment !== "after COMMIT") reached(kill, pid);
          if (moment === "before its last statement") await forEver();
          return {};
        };
        await (way === "commit" ? job.commit(write) : job.stepTx("place", write));
        reached(kill, 0);
        return forEver();
      }),
  );
  const worker = createWorker({ database: url, schema: jobs, handlers, leaseMs: 5_000, logger: false });
  await worker.start();
  await forEver();
}
