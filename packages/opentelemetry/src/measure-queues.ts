import { type BatchObservableCallback, type Meter, metrics } from "@opentelemetry/api";
import type { Admin } from "@pillion/core/admin";
import { instrumentation, ofQueue } from "./attributes.ts";
import type { MeasureOptions } from "./measure-worker.ts";

const states = ["ready", "running", "scheduled", "dead"] as const;

/**
 * Observes every queue: `pillion.queue.jobs` by `pillion.state`, and `pillion.queue.oldest.age`, how many seconds the
 * oldest ready job has waited (0 where none does). One bounded statement for each collection of the meter, so that one
 * process of the application is enough to do it; a database that does not answer leaves a gap.
 *
 * @returns a function that ends it
 */
export function measureQueues(
  admin: Admin,
  { meter = metrics.getMeter(instrumentation) }: MeasureOptions = {},
): () => void {
  const jobs = meter.createObservableGauge("pillion.queue.jobs", {
    unit: "{job}",
    description: "Jobs in a queue, by their state.",
  });
  const age = meter.createObservableGauge("pillion.queue.oldest.age", {
    unit: "s",
    description: "How long the oldest ready job of a queue has waited.",
  });
  const observe: BatchObservableCallback = async (observer) => {
    for (const queue of await admin.queues()) {
      const attributes = ofQueue(queue.name);
      for (const state of states)
        observer.observe(jobs, queue[state], { ...attributes, "pillion.state": state });
      observer.observe(age, (queue.oldestReadyMs ?? 0) / 1_000, attributes);
    }
  };
  return observing(meter, observe, [jobs, age]);
}

function observing(
  meter: Meter,
  observe: BatchObservableCallback,
  what: Parameters<Meter["addBatchObservableCallback"]>[1],
): () => void {
  meter.addBatchObservableCallback(observe, what);
  return () => meter.removeBatchObservableCallback(observe, what);
}
