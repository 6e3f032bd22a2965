import { defineJob, type } from "@pillion/core";
import { createWorker, handle, schedule } from "@pillion/core/worker";

// A worker process with two schedules of its own: `child.ts URL SCHEMA`. It says when it has started, and which hour it
// believes it is.
const [database, schema] = process.argv.slice(2) as [string, string];
const tick = defineJob({ name: "tick", payload: type<null>() });
const worker = createWorker({
  database,
  schema,
  leaseMs: 1_000,
  handlers: [handle(tick, () => {})],
  schedules: [
    schedule({ name: "interval", everyMs: 100, job: tick(null) }),
    schedule({ name: "cron", cron: "* * * * * *", timeZone: "Europe/Berlin", job: tick(null) }),
  ],
});
await worker.start();
process.stdout.write(`started at ${new Date().toISOString()}\n`);
for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => void worker.stop());
