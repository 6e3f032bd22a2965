import { defineJob, type } from "@pillion/core";
import { createWorker, handle } from "@pillion/core/worker";

// A worker process whose jobs never end: `brief-worker.ts URL SCHEMA`. It is there to be killed.
const [database, schema] = process.argv.slice(2) as [string, string];
await createWorker({
  database,
  schema,
  leaseMs: 1_000,
  pollMs: 50,
  handlers: [
    handle(defineJob({ name: "brief", payload: type<number>() }), () => new Promise<void>(() => {})),
  ],
}).run();
