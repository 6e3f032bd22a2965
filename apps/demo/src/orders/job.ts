import { defineJob, type } from "@pillion/core";

/** The one job of the shop: write the invoice of an order. Web processes enqueue it, workers run it. */
export const writeInvoice = defineJob({
  name: "invoice.write",
  payload: type<{ orderId: number; shop: string }>(),
  queue: "billing",
  backoff: { type: "fixed", delayMs: 200 },
});
