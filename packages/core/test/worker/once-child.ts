import { defineJob, type } from "@pillion/core";
import { createWorker, handle } from "@pillion/core/worker";

// A cron route's call in a process of its own, `once-child.ts URL SCHEMA`: it says what runOnce answered, and has
// nothing else to do.
const [database, schema] = process.argv.slice(2) as [string, string];
const slow = defineJob({ name: "slow", payload: type<null>() });
const worker = createWorker({
  database,
  schema,
  handlers: [handle(slow, () => new Promise<void>(() => {}))],
});
process.stdout.write(`returned ${JSON.stringify(await worker.runOnce({ maxMs: 1_000 }))}\n`);
