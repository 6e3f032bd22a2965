import { defineJob, type } from "@pillion/core";
import { createClaimer, type HeldJobOf } from "@pillion/core/worker";

// What docs/worker.md shows of a loop of one's own.

const url = process.env.DATABASE_URL!;
const renderPage = defineJob({
  name: "page.render",
  payload: type<{ url: string }>(),
  result: type<{ pdf: string }>(),
});
const sendInvoice = defineJob({ name: "invoice.send", payload: type<{ orderId: string }>() });
declare const browser: { render(url: string, signal: AbortSignal): Promise<{ pdf: string }> };
declare const stopped: boolean;
declare function restABit(): Promise<void>;

const claimer = createClaimer({ database: url, jobTypes: [renderPage] });

async function render(job: HeldJobOf<typeof renderPage>) {
  const heartbeat = setInterval(() => claimer.extend(job).catch(() => {}), 5_000);
  let result: { pdf: string };
  try {
    result = await browser.render(job.payload.url, job.signal);
  } catch (error) {
    await claimer.fail(job, error);
    return;
  } finally {
    clearInterval(heartbeat);
  }
  await claimer.complete(job, result);
}

export async function loop() {
  while (!stopped) {
    const [job] = await claimer.claim();
    // What render rejects with: the lease was lost, or somebody has cancelled the job.
    if (job) await render(job).catch(console.error);
    else await restABit();
  }
  await claimer.stop();
}

export async function mixed() {
  const claimer = createClaimer({ database: url, jobTypes: [renderPage, sendInvoice] });
  for (const job of await claimer.claim({ limit: 10 })) {
    if (claimer.is(job, sendInvoice)) console.log(job.payload.orderId);
    else if (claimer.is(job, renderPage)) console.log(job.payload.url);
  }
}
