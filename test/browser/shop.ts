import { handle } from "@pillion/core/worker";
import { fulfil, hostile, image, importFeed, packed, sendMail, writeInvoice } from "./jobs.ts";
import type { Place } from "./place.ts";

export interface Shop {
  /** The cause of the dead invoices: false mends it. */
  readonly billing: { closed: boolean };
  readonly ids: {
    readonly mail: string;
    readonly deadInvoice: string;
    readonly order: string;
    readonly running: string;
    readonly later: string;
    readonly hostile: string;
  };
}

/** Waits until jobs are where they shall be; the database is asked, as nothing else knows. */
export async function until(
  look: () => Promise<boolean>,
  { patienceMs = 60_000 }: { patienceMs?: number } = {},
): Promise<void> {
  const end = Date.now() + patienceMs;
  while (!(await look())) {
    if (Date.now() > end) throw new Error(`It did not come to that within ${patienceMs / 1_000} s: ${look}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** As it comes from an application: its stack names the application's files. */
const closed = (orderId: number) => {
  const error = new Error(`Ledger 2026 is closed: invoice of order ${orderId} refused`);
  error.stack = `Error: ${error.message}
    at Ledger.book (/app/src/billing/ledger.ts:44:11)
    at writeInvoice (/app/src/billing/write-invoice.ts:19:22)
    at async Object.run (/app/src/worker.ts:12:5)`;
  return error;
};

const mean = async () => {
  throw Object.assign(new Error(`${image} "quoted" & </pre>`), { code: image });
};

/** A shop at work: mail goes out, invoices fail, an order waits for its parcel, an import runs, and somebody means harm. */
export async function openShop(place: Place, { mails = 30, invoices = 3, harm = true } = {}): Promise<Shop> {
  const { admin } = place;
  const billing = { closed: true };
  await place.work({
    pollMs: 200,
    handlers: [
      handle(sendMail, async () => ({ accepted: true })),
      handle(writeInvoice, async ({ payload }) => {
        if (billing.closed) throw closed(payload.orderId);
      }),
      handle(fulfil, async (job) => {
        await job.step("reserve", async () => ({ shelf: 7 }));
        await job.step("charge", async () => ({ receipt: "r-1" }));
        await job.run([sendMail({ to: "ada@example.com" }), sendMail({ to: "store@example.com" })]);
        await job.waitForEvent(packed(String(job.payload.orderId)), { timeoutMs: 86_400_000 });
      }),
      handle(
        importFeed,
        ({ signal }) => new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve())),
      ),
      ...(harm ? [handle(hostile, mean)] : []),
    ],
    schedules: [],
  });
  await admin.schedules.set({
    name: "nightly feed",
    cron: "0 3 * * *",
    timeZone: "Europe/Berlin",
    job: importFeed({ url: "nightly" }),
  });
  await admin.schedules.set({
    name: "hourly mail",
    everyMs: 3_600_000,
    job: sendMail({ to: "team@example.com" }),
  });
  const [mail] = await Promise.all(
    Array.from({ length: mails }, (_, at) => admin.enqueue(sendMail({ to: `customer-${at}@example.com` }))),
  );
  const dead = await Promise.all(
    Array.from({ length: invoices }, (_, at) => admin.enqueue(writeInvoice({ orderId: 1_001 + at }))),
  );
  const order = await admin.enqueue(fulfil({ orderId: 1_001 }));
  const running = await admin.enqueue(importFeed({ url: "https://feed.example" }));
  const later = await admin.enqueue(
    sendMail({ to: "later@example.com" }, { delayMs: 7_200_000, uniqueKey: "later" }),
  );
  const evil = harm
    ? await admin.enqueue(hostile({ text: image }, { headers: { [image]: image } }))
    : undefined;
  const stateOf = async (id: string) => (await admin.job(id))?.state;
  for (const { id } of evil ? [...dead, evil] : dead) await until(async () => (await stateOf(id)) === "dead");
  await until(
    async () =>
      (await admin.jobs({ name: sendMail, state: "completed" }, { limit: 1_000 })).length >= mails + 2,
  );
  await until(async () => (await stateOf(running.id)) === "running");
  await until(async () => (await admin.job(order.id))?.steps.at(-1)?.kind === "event");
  return {
    billing,
    ids: {
      mail: mail!.id,
      deadInvoice: dead[0]!.id,
      order: order.id,
      running: running.id,
      later: later.id,
      hostile: evil?.id ?? "",
    },
  };
}
