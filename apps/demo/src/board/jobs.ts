import { defineJob, type } from "@pillion/core";

/** The invoice of an order: dead at the second failure. */
export const writeInvoice = defineJob({
  name: "invoice.write",
  payload: type<{ orderId: number; country: string }>(),
  result: type<{ total: number }>(),
  queue: "billing",
  maxAttempts: 2,
  backoff: { type: "fixed", delayMs: 500 },
});

/** An order in steps, with a mail at its end. */
export const fulfil = defineJob({
  name: "order.fulfil",
  payload: type<{ orderId: number }>(),
  queue: "fulfilment",
});

/** One mail; one in ten needs a second attempt. */
export const sendMail = defineJob({
  name: "mail.send",
  payload: type<{ orderId: number }>(),
  queue: "mail",
  backoff: { type: "fixed", delayMs: 1_000 },
});

/** What the schedule runs each morning. */
export const dailyReport = defineJob({ name: "report.daily", payload: type<null>(), queue: "reports" });
