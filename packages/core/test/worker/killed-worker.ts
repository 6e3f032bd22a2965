import { defineJob, type } from "@pillion/core";
import { createWorker, handle } from "@pillion/core/worker";

// A worker process that one of its jobs kills: `killed-worker.ts URL SCHEMA`.
const [database, schema] = process.argv.slice(2) as [string, string];
await createWorker({
  database,
  schema,
  leaseMs: 500,
  pollMs: 50,
  concurrency: 10,
  handlers: [
    handle(defineJob({ name: "harmless", payload: type<number>() }), async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }),
    handle(defineJob({ name: "killer", payload: type<null>() }), () => {
      process.kill(process.pid, "SIGKILL");
    }),
  ],
}).run({ graceMs: 1_000 });
