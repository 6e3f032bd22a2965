import { defineJob, type } from "@pillion/core";
import { z } from "zod";

// What docs/jobs.md shows of defining jobs.

export const sendInvoice = defineJob({
  name: "invoice.send",
  payload: z.object({ orderId: z.string(), copies: z.number().int().default(1) }),
  queue: "billing",
  maxAttempts: 8,
  timeoutMs: 30_000,
  backoff: { type: "exponential", baseMs: 1_000, factor: 2, maxMs: 3_600_000, jitter: 0.2 },
  retry: (error) => (error instanceof RangeError ? "discard" : "retry"),
});

export const rebuildIndex = defineJob({ name: "index.rebuild", payload: type<{ shop: string }>() });
