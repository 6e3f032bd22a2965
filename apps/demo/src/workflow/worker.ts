import { once } from "node:events";
import { createWorker } from "@pillion/core/worker";
import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import { fulfilment } from "./fulfilment.ts";
import type { Told } from "./narrated.ts";
import { Outside } from "./outside.ts";

// A worker process: `worker.ts URL QUEUE OUTSIDE`. It begins when it is told to, and tells its parent what happens.
const [url, queue, outside] = process.argv.slice(2) as [string, string, string];
process.on("disconnect", () => process.exit(1));
const tell = (message: Told | "ready") => process.connected && process.send!(message);

const pool = new pg.Pool({ connectionString: url, max: 4 });
const worker = createWorker({
  database: pool,
  schema: queue,
  leaseMs: 2_000,
  pollMs: 250,
  // What fails here is on the screen already.
  logger: process.env.PILLION_DEMO_LOG ? undefined : false,
  handlers: [
    fulfilment(drizzle({ client: pool }), {
      queue,
      outside: new Outside(outside),
      diary: {
        tell,
        async begins(orderId, step, attempt) {
          const { rows } = await pool.query(
            `insert into step_run (order_id, step, attempt, pid) values ($1, $2, $3, $4)
             returning (select count(*)::integer + 1 from step_run r where r.order_id = $1 and r.step = $2) as run`,
            [orderId, step, attempt, process.pid],
          );
          return rows[0].run;
        },
      },
    }),
  ],
});
tell("ready");
await once(process, "message");
await worker.run();
await pool.end();
process.disconnect?.();
