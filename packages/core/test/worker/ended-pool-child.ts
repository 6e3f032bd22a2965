import { defineJob, type } from "@pillion/core";
import { createWorker, handle } from "@pillion/core/worker";
import pg from "pg";

// A process that closes things in the wrong order: `ended-pool-child.ts URL SCHEMA`. At SIGTERM it ends its pool, and
// stops its worker after that. It tells the start of a job on stdout; none ends by itself.
const [connectionString, schema] = process.argv.slice(2) as [string, string];
const pool = new pg.Pool({ connectionString });
const worker = createWorker({
  database: pool,
  schema,
  handlers: [
    handle(defineJob({ name: "slow", payload: type<null>() }), ({ id }) => {
      process.stdout.write(`started ${id}\n`);
      return new Promise<void>(() => {});
    }),
  ],
});
process.once("SIGTERM", async () => {
  await pool.end();
  await worker.stop({ graceMs: 0 });
  process.stdout.write("stopped\n");
});
await worker.start();
