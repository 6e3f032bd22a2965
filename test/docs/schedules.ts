import { defineJob, type } from "@pillion/core";
import { createAdmin } from "@pillion/core/admin";
import { createWorker, handle, schedule } from "@pillion/core/worker";

// What docs/schedules.md shows.

const url = process.env.DATABASE_URL!;
const sendReport = defineJob({ name: "report.send", payload: type<{ to: string }>() });
const syncStock = defineJob({ name: "stock.sync", payload: type<{ shop: string }>() });
const handlers = [handle(sendReport, () => {}), handle(syncStock, () => {})];

export const worker = createWorker({
  database: url,
  handlers,
  schedules: [
    schedule({
      name: "daily report",
      cron: "0 7 * * MON-FRI",
      timeZone: "Europe/Berlin",
      job: sendReport({ to: "sales@shop.example" }),
    }),
    schedule({ name: "stock", everyMs: 30_000, job: syncStock({ shop: "7" }), missed: "skip" }),
  ],
});

export async function atRunTime() {
  const admin = createAdmin({ database: url });
  await admin.schedules.set(
    schedule({ name: "stock of shop 8", everyMs: 60_000, job: syncStock({ shop: "8" }) }),
  );
  await admin.schedules.pause("stock"); // false where there is none of this name
  await admin.schedules.resume("stock");
  const started = await admin.schedules.runNow("daily report"); // { id }: a job beside the slots
  await admin.schedules.remove("stock of shop 8");

  for (const { name, lastSlot, nextSlot, pausedAt, problem } of await admin.schedules.list())
    console.log(name, lastSlot, nextSlot, pausedAt, problem);
  await admin.close();
  return started?.id;
}

export const tellsItsSlot = handle(sendReport, (job) => {
  console.log(job.headers["pillion.schedule"], job.headers["pillion.slot"]); // "daily report", "2026-03-30T05:00:00.000Z"
});
