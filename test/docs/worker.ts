import { DiscardError, defineJob, RetryError, type } from "@pillion/core";
import { createAdmin } from "@pillion/core/admin";
import { createWorker, handle, handleMany } from "@pillion/core/worker";
import pg from "pg";

// What docs/worker.md shows.

const url = process.env.DATABASE_URL!;
const pool = new pg.Pool({ connectionString: url });
const chargeCard = defineJob({ name: "card.charge", payload: type<{ orderId: string; amount: number }>() });
const sendInvoice = defineJob({ name: "invoice.send", payload: type<{ orderId: string }>() });

const charge = handle(chargeCard, async (job) => {
  const answer = await fetch("https://payments.example/charges", {
    method: "POST",
    // The same in every attempt: the other side does not charge twice.
    headers: { "Idempotency-Key": job.id },
    body: JSON.stringify(job.payload),
    signal: job.signal,
  });
  if (answer.status === 402) throw new DiscardError("card declined"); // dead at once
  if (answer.status === 429) throw new RetryError({ delayMs: 60_000 }); // again, in a minute
  if (!answer.ok) throw new Error(`payments answered ${answer.status}`); // again, after the job's backoff
});

const invoice = handle(sendInvoice, async (job) => {
  await pool.query(
    "insert into invoices (job_id, order_id) values ($1, $2) on conflict (job_id) do nothing",
    [job.id, job.payload.orderId],
  );
});

const indexDocument = defineJob({ name: "document.index", payload: type<{ id: number }>() });
declare const search: {
  bulk(documents: readonly { id: number }[]): Promise<readonly { ok: boolean; reason: string }[]>;
};
export const index = handleMany(indexDocument, { maxJobs: 100 }, async (jobs) => {
  const answers = await search.bulk(jobs.map((job) => job.payload));
  // One entry for each job: its result, or the error by which it alone fails. Return nothing, and all are completed.
  return answers.map((answer) => (answer.ok ? undefined : new Error(answer.reason)));
});

const worker = createWorker({
  database: url, // or a pg Pool, or database(client) of your adapter
  handlers: [charge, invoice],
  concurrency: 20,
});

/** A process of its own. */
export async function main() {
  await worker.run();
}

/** Inside a web application. */
export async function serve(onShutdown: (stop: () => Promise<void>) => void) {
  await worker.start();
  onShutdown(() => worker.stop({ graceMs: 10_000 }));
}

export async function GET() {
  const { ran, failed, more } = await worker.runOnce({ maxMs: 50_000, maxJobs: 500 });
  return Response.json({ ran, failed, more });
}

/** What became of a job. */
export async function whatHappened(id: string) {
  const admin = createAdmin({ database: url });
  const job = await admin.job(id);
  console.log(job?.state);
  for (const { attempt, worker, startedAt, outcome, error } of job?.attempts ?? [])
    console.log(attempt, worker, startedAt, outcome, error?.message);
  await admin.close();
}
