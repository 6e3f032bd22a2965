// jobs.ts: shared by the application and its workers
import { defineJob } from "@pillion/core";
import { z } from "zod";

export const sendInvoice = defineJob({
  name: "invoice.send",
  payload: z.object({ orderId: z.string() }), // any Standard Schema, or type<T>()
});
