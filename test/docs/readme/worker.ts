// worker.ts: a process of its own
import { createWorker, handle } from "@pillion/core/worker";
import { sendInvoice } from "./jobs.ts";

const worker = createWorker({
  database: process.env.DATABASE_URL!,
  handlers: [
    handle(sendInvoice, async (job) => {
      console.log(`invoice of order ${job.payload.orderId}`);
    }),
  ],
});
await worker.run(); // until SIGTERM or Ctrl-C
