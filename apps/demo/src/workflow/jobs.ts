import { defineEvent, defineJob, type } from "@pillion/core";

/** The job of an order, from the shelf to the mail that says it is on its way. */
export const fulfil = defineJob({
  name: "order.fulfil",
  payload: type<{ orderId: number }>(),
  queue: "fulfilment",
  backoff: { type: "fixed", delayMs: 500 },
});

/** Emitted by the warehouse, once for each order. */
export const packed = defineEvent({ name: "shipment.packed", payload: type<{ boxes: number }>() });
