import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { createAdaptorServer } from "@hono/node-server";
import { createAdmin, schedule } from "@pillion/core/admin";
import { createWorker } from "@pillion/core/worker";
import { type BoardDoor, boardDoor, dashboard } from "@pillion/dashboard";
import type { Scene, Stage } from "../stage.ts";
import { handlersOf } from "./handlers.ts";
import { dailyReport, fulfil, writeInvoice } from "./jobs.ts";

/** The tax rates that invoices need: one country is missing. */
const tables = `
create table tax_rates (country text primary key, percent integer not null);
insert into tax_rates values ('DE', 19), ('FR', 20), ('IT', 22);
create table invoices (order_id integer primary key, country text not null)`;
const countries = ["DE", "FR", "IT", "PT"];

/** The board in the browser, on a shop that is open until Ctrl-C. */
export const board = (port: number): Scene => ({
  tables,
  async play(stage) {
    const { town, signal } = stage;
    const { pool, place } = town;
    const admin = createAdmin({ database: pool, schema: place.queue });
    const worker = createWorker({
      database: pool,
      schema: place.queue,
      handlers: handlersOf(pool),
      concurrency: 5,
      logger: false,
    });
    let door: BoardDoor | undefined;
    const handler = dashboard({
      admin,
      authorize: (request) => door?.letsIn(request) ?? false,
      title: "The demo's shop",
    });
    const server = createAdaptorServer({
      fetch: async (request) => door?.answer(request) ?? handler(request),
    });
    try {
      await admin.schedules.set(
        schedule({
          name: "daily report",
          cron: "0 7 * * MON-FRI",
          timeZone: "Europe/Berlin",
          job: dailyReport(null),
        }),
      );
      await worker.start();
      const listening = once(server, "listening");
      server.listen(port, "127.0.0.1");
      await listening;
      const { port: taken } = server.address() as AddressInfo;
      door = boardDoor(taken, ["127.0.0.1"]);
      console.log(`
Orders come in, and one worker runs their jobs. The board is at

  http://127.0.0.1:${taken}${door.path}

Invoices for Portugal die: the tax rate of PT is missing. Look under "Dead" why; then press Enter here to enter the
rate, redrive them on the board, and watch them complete. Ctrl-C closes the shop.
`);
      mendOnEnter(stage);
      await open(stage, admin);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      server.close();
      (server as { closeAllConnections?(): void }).closeAllConnections?.();
      await worker.stop({ graceMs: 2_000 });
      await admin.close();
    }
    return true;
  },
});

/** A few orders each second, until the shop closes. */
async function open({ signal }: Stage, admin: ReturnType<typeof createAdmin>): Promise<void> {
  for (let orderId = 1; ; orderId++) {
    await admin.enqueue(writeInvoice({ orderId, country: countries[orderId % 12 === 0 ? 3 : orderId % 3]! }));
    if (orderId % 5 === 0) await admin.enqueue(fulfil({ orderId }));
    await pause(400, undefined, { signal });
  }
}

function mendOnEnter({ town, signal }: Stage): void {
  const lines = createInterface({ input: process.stdin });
  signal.addEventListener("abort", () => lines.close());
  lines.once("line", async () => {
    await town.pool.query("insert into tax_rates values ('PT', 23) on conflict do nothing");
    console.log("The tax rate of Portugal is there now. Redrive the dead invoices on the board.");
  });
}
