import { setTimeout as pause } from "node:timers/promises";
import { createAdmin } from "@pillion/core/admin";
import type { Scene, Stage } from "../stage.ts";
import { audit, shipments, waitsForEvent } from "./audit.ts";
import { fulfil } from "./jobs.ts";
import { openOutside } from "./outside.ts";
import { placeOrder } from "./place-order.ts";
import { attemptsOf, holds, tableOf } from "./report.ts";
import { ShopWorker } from "./shop-worker.ts";
import { tables } from "./tables.ts";
import type { Warehouse } from "./warehouse.ts";

/** One order in durable steps, from the shelf to the mail, while its workers die. */
export const workflow: Scene = {
  tables,
  async play(stage) {
    console.log(`
One job fulfils an order, in steps: reserve the stock, charge the card, write the invoice, wait for the event
"shipment.packed" of this order, mail the customer. What a step has come to is stored; a later attempt goes on behind it.
`);
    const { town, until } = stage;
    const charged = promised();
    const failed = promised();
    const outside = await openOutside(town, async (service, again) => {
      if (service !== "charge" || again) return;
      charged.keep();
      // Whoever asked is killed before the answer comes.
      await new Promise(() => {});
    });
    const hire = () => stage.hire(() => new ShopWorker(town.place, outside.url, failed.keep));
    let warehouse: Warehouse | undefined;
    try {
      const first = hire();
      const second = hire();
      const { orderId, jobId } = await placeOrder(town.place);
      console.log(`One commit has order ${orderId} and its job ${jobId}, "${fulfil.name}".\n`);
      await until("The first worker", first.ready);
      first.tell("go");
      await until("The charge", charged.promise);
      await first.kill();
      console.log(`
✗ Worker ${first.pid} is killed (SIGKILL) in the middle of its step "charge": the provider has charged the card, and the
  answer is stored nowhere yet. Worker ${second.pid} takes over, once the lease of the dead one has ended …
`);
      const third = hire();
      const { openWarehouse } = await import("./warehouse.ts");
      warehouse = openWarehouse(town.place);
      await until("The second worker", second.ready);
      second.tell("go");

      await until("The failure of the invoice", failed.promise);
      await town.pool.query("insert into tax_rates select distinct country, 21 from orders");
      console.log("\n  Somebody enters the missing tax rate. The job is tried again:\n");

      await until("The wait for the warehouse", asleep(stage, jobId));
      await second.kill();
      console.log(`
  Job ${jobId} waits for shipment.packed, and holds no worker.
✗ Worker ${second.pid} is killed all the same: now there is none.
`);
      await warehouse
        .pack(orderId, 3, () => {
          throw new Error("the parcel has fallen");
        })
        .catch(() => {});
      console.log(
        `  The warehouse packs, and emits in its own transaction, of Prisma. That rolls back. In the database: ${await seen(stage)}.`,
      );
      await warehouse.pack(orderId, 3);
      console.log(`  It packs again, and commits. In the database: ${await seen(stage)}.\n`);
      await until("The third worker", third.ready);
      third.tell("go");
      return await ending(stage, { orderId, jobId });
    } finally {
      await warehouse?.close();
      await outside.close();
    }
  },
};

/** Waits for the job's end, and shows what is in the database then. */
async function ending({ town, signal }: Stage, ids: { orderId: number; jobId: string }): Promise<boolean> {
  const admin = createAdmin({ database: town.pool, schema: town.place.queue });
  await admin.waitFor(ids.jobId, fulfil, { signal });
  const [record, audits] = await Promise.all([admin.job(ids.jobId), audit(town, ids)]);
  console.log(`\nJob ${ids.jobId} is ${record!.state}. Its attempts, on record:\n${attemptsOf(record!)}`);
  console.log(`Its steps, as the database has them:\n${tableOf(audits)}`);
  if (!holds(audits)) {
    console.error("\nSomething is not as it must be (marked with !).");
    return false;
  }
  console.log(`
No finished step ran again. What was cut off did, as it must: the invoice, whose first run was rolled back, and the
charge, which sent the same key (job.key("charge")), so that the provider charged once.`);
  return true;
}

/** Resolves when the job sleeps until its event comes. */
async function asleep({ town, signal }: Stage, jobId: string): Promise<void> {
  while (!(await waitsForEvent(town, jobId))) await pause(20, undefined, { signal });
}

async function seen({ town }: Stage): Promise<string> {
  const { shipments: shipped, events } = await shipments(town);
  return `shipments ${shipped}, events ${events}`;
}

function promised(): { readonly promise: Promise<void>; keep(): void } {
  let keep = () => {};
  const promise = new Promise<void>((resolve) => {
    keep = resolve;
  });
  return { promise, keep };
}
