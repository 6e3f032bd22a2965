import { once } from "node:events";
import { defineJob, type } from "@pillion/core";
import { createWorker, handle } from "@pillion/core/worker";
import { enqueueStandalone } from "@pillion/pg";
import type { Host } from "../server.ts";

const stuck = defineJob({ name: "stuck", payload: type<null>() });

/** Runs a job of the key that does not end before the answer is called, where one at a time may run. */
export async function saturate({ url, pool }: Host, partitionKey: string): Promise<() => Promise<void>> {
  await enqueueStandalone(pool, stuck(null, { partitionKey }));
  let sayStarted = () => {};
  const started = new Promise<void>((resolve) => {
    sayStarted = resolve;
  });
  const worker = createWorker({
    database: url,
    handlers: [
      handle(stuck, async ({ signal }) => {
        sayStarted();
        await once(signal, "abort");
      }),
    ],
    logger: false,
  });
  await worker.start();
  await started;
  return () => worker.stop({ graceMs: 0 });
}
