import { createWorker, type Handler } from "@pillion/core/worker";
import type { WorkTask } from "./child.ts";
import type { ChildParts } from "./child-enqueue.ts";
import { pidOf } from "./context.ts";
import { type Moment, moments, orderJob } from "./order-job.ts";

/** Takes one job for each moment, stays there with it, and says so. Runs until it is killed. */
export async function workInChild(
  { harness, connection: { client }, verbs }: ChildParts,
  { url, jobs, jobName }: WorkTask,
): Promise<void> {
  const forEver = () => new Promise<never>(() => {});
  const reached = (moment: Moment, pid: number) => console.log(`${moment}: backend ${pid}`);
  const handlers = moments.map(
    (moment): Handler =>
      verbs.handle(client, orderJob(jobName, moment), async (job) => {
        await job.commit(async (tx: object) => {
          const pid = await pidOf(harness, tx);
          if (moment === "before its write") {
            reached(moment, pid);
            await forEver();
          }
          await harness.insertOrder(tx, job.payload);
          if (moment !== "after COMMIT") reached(moment, pid);
          if (moment === "before its completion") await forEver();
          return {};
        });
        reached(moment, 0);
        return forEver();
      }),
  );
  const worker = createWorker({ database: url, schema: jobs, handlers, leaseMs: 2_000, logger: false });
  await worker.start();
  await forEver();
}
