import { AsyncLocalStorage } from "node:async_hooks";
import { provideHeaders } from "@pillion/core";
import { createWorker } from "@pillion/core/worker";
import { configure } from "@pillion/pg";
import type { Pool } from "pg";
import { sendInvoice } from "./job-types.ts";

declare const pool: Pool;

export const tenants = new AsyncLocalStorage<string>();

provideHeaders(() => (tenants.getStore() === undefined ? undefined : { tenant: tenants.getStore() }));

export const { enqueue, handle, transactional } = configure({
  setLocal: (job) => ({ "app.tenant": job.headers.tenant as string | undefined }),
});

const invoice = transactional(pool, sendInvoice, async (tx, { payload }) => {
  await tx.query("update orders set invoiced_at = now() where id = $1", [payload.orderId]);
});

export const worker = createWorker({
  database: pool,
  handlers: [invoice],
  around: ([job], run) => tenants.run(String(job!.headers.tenant), run),
});
