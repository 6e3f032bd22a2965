import { setTimeout as pause } from "node:timers/promises";
import { type Handler, handle } from "@pillion/core/worker";
import type pg from "pg";
import { dailyReport, fulfil, sendMail, writeInvoice } from "./jobs.ts";

/** What the shop's one worker does. */
export function handlersOf(pool: pg.Pool): readonly Handler[] {
  return [
    handle(writeInvoice, async ({ payload: { orderId, country } }) => {
      const { rows } = await pool.query("select percent from tax_rates where country = $1", [country]);
      if (rows.length === 0) throw new RangeError(`Order ${orderId}: there is no tax rate for ${country}`);
      await pool.query("insert into invoices values ($1, $2) on conflict do nothing", [orderId, country]);
      return { total: Math.round(orderId * (100 + rows[0].percent)) };
    }),
    handle(fulfil, async (job) => {
      const { orderId } = job.payload;
      await job.step("reserve", () => pause(300));
      await job.step("charge", () => pause(700));
      await job.sleep(2_000);
      await job.run(sendMail({ orderId }));
    }),
    handle(sendMail, async ({ payload: { orderId }, attempt }) => {
      await pause(500);
      if (attempt === 1 && orderId % 50 === 0) throw new Error("smtp.example answers 451: try again later");
    }),
    handle(dailyReport, () => pause(1_000)),
  ];
}
