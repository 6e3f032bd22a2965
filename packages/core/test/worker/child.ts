import { defineJob, RetryError, type } from "@pillion/core";
import { createWorker, handle } from "@pillion/core/worker";

// A worker process: `child.ts URL SCHEMA LEASE_MS GRACE_MS`. It tells each start of a job on stdout, one id a line;
// "slow" never ends by itself, "quick" ends at once, "failing" fails and asks for a second.
const [database, schema, leaseMs, graceMs] = process.argv.slice(2) as [string, string, string, string];
const started = ({ id }: { id: string }) => void process.stdout.write(`started ${id}\n`);
const worker = createWorker({
  database,
  schema,
  leaseMs: Number(leaseMs),
  pollMs: 50,
  handlers: [
    handle(defineJob({ name: "slow", payload: type<null>() }), (job) => {
      started(job);
      job.signal.addEventListener("abort", () =>
        process.stdout.write(`aborted ${job.id} ${job.signal.reason.code}\n`),
      );
      return new Promise<void>(() => {});
    }),
    handle(defineJob({ name: "quick", payload: type<null>() }), started),
    handle(defineJob({ name: "failing", payload: type<null>() }), () => {
      throw new RetryError({ delayMs: 1_000 });
    }),
  ],
});
process.stdout.write("ready\n");
await worker.run({ graceMs: Number(graceMs) });
process.stdout.write("stopped\n");
