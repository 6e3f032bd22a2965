import { defineJob, type } from "@pillion/core";

export interface Invoice {
  readonly orderId: number;
  readonly customer: string;
  readonly total: number;
  readonly lines: readonly { readonly article: string; readonly pieces: number }[];
}

/** The job of this bench. No validator: its time would be the validator's, not the enqueue's. */
export const sendInvoice = defineJob({ name: "invoice.send", queue: "billing", payload: type<Invoice>() });

export function invoice(orderId: number): Invoice {
  return {
    orderId,
    customer: "Ada Lovelace",
    total: 4_200,
    lines: [
      { article: "lamp", pieces: 2 },
      { article: "desk", pieces: 1 },
    ],
  };
}
