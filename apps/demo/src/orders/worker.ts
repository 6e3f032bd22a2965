import { EventEmitter, once } from "node:events";
import { createWorker, handle } from "@pillion/core/worker";
import pg from "pg";
import { writeInvoice } from "./job.ts";

// A worker process: `worker.ts NAME URL QUEUE`. It tells its parent when it is ready, and each
// start and end of a handler.
const [name, url, queue] = process.argv.slice(2) as [string, string, string];

/** What a worker process tells the demo, once it is ready. */
export interface Told {
  readonly event: "started" | "ended";
  readonly job: string;
  readonly shop: string;
}

const pool = new pg.Pool({ connectionString: url, max: 4 });
pool.on("error", () => {});

// Before the demo kills a worker, it tells both to stand still, so that the kill hits in the middle of jobs.
let jammed = false;
const printer = new EventEmitter().setMaxListeners(0);
process.on("message", (message) => {
  jammed = message === "jam";
  if (!jammed) printer.emit("released");
});
process.on("disconnect", () => process.exit(1));
const tell = (message: Told | "ready") => process.connected && process.send!(message);

const worker = createWorker({
  database: pool,
  schema: queue,
  concurrency: 25,
  leaseMs: 2_000,
  pollMs: 250,
  // The demo takes connections and processes away on purpose: what the worker says about it is no news here.
  logger: process.env.PILLION_DEMO_LOG ? undefined : false,
  handlers: [
    handle(writeInvoice, async ({ id, payload: { orderId, shop } }) => {
      await pool.query("insert into handler_start (job_id, shop, worker) values ($1, $2, $3)", [
        id,
        shop,
        name,
      ]);
      tell({ event: "started", job: id, shop });
      if (jammed) await once(printer, "released");
      // Jobs run at least once: what makes this handler bear repetition is its `where not exists`, by the job's id.
      await pool.query(
        `insert into invoices (job_id, order_id, shop)
         select $1, $2, $3 where not exists (select from invoices where job_id = $1)`,
        [id, orderId, shop],
      );
      tell({ event: "ended", job: id, shop });
    }),
  ],
});
await worker.start();
tell("ready");
await worker.run();
await pool.end();
process.disconnect?.();
