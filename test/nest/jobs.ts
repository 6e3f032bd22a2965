import { defineJob, type } from "@pillion/core";

export const sendInvoice = defineJob({ name: "invoice.send", payload: type<{ orderId: string }>() });
