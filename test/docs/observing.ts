import { AsyncLocalStorage } from "node:async_hooks";
import { provideHeaders } from "@pillion/core";
import type { Admin } from "@pillion/core/admin";
import { createAdmin } from "@pillion/core/admin";
import { createWorker, type Handler } from "@pillion/core/worker";
import { measureQueues, measureWorker, propagateTrace, traceHandlers } from "@pillion/opentelemetry";
import { pino } from "pino";

declare const url: string;
declare const handlers: readonly Handler[];
declare const alerts: { page(message: string): void };

export function hooks(): void {
  const worker = createWorker({ database: url, handlers, logger: pino({ name: "worker" }) });

  worker.on("dead", ({ id, name, error }) => {
    alerts.page(`job ${id} "${name}" is dead: ${error.message}`);
  });
  worker.on("completed", ({ name, waitMs, runMs }) => {
    console.log(`${name} waited ${Math.round(waitMs)} ms and ran ${Math.round(runMs)} ms`);
  });
}

const tenants = new AsyncLocalStorage<string>();

provideHeaders(() => ({ tenant: tenants.getStore() ?? "none" }));

export const tenantWorker = createWorker({
  database: url,
  handlers,
  around: ([job], run) => tenants.run(String(job!.headers.tenant), run),
});

export function telemetry(): void {
  // Where jobs are enqueued:
  propagateTrace();

  // Where they run:
  const worker = createWorker({ database: url, handlers, around: traceHandlers() });
  measureWorker(worker);

  // In one process of the application:
  measureQueues(createAdmin({ database: url }));
}

declare const admin: Admin;

export async function lastHalfHour(queue: string) {
  const buckets = await admin.throughput({ queue, minutes: 30 });
  return buckets.map(({ from, seconds, completed, waitP95Ms }) => ({
    from,
    perSecond: completed / seconds,
    waitP95Ms,
  }));
}
