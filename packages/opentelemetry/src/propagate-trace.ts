import { context, isSpanContextValid, propagation, trace } from "@opentelemetry/api";
import { provideHeaders } from "@pillion/core";

/**
 * From now on every job that this process enqueues within a span carries the trace's context in its headers
 * (`traceparent`, `tracestate`, `baggage`: what the global propagator writes). It is part of the job's row: a
 * transaction that rolls back leaves nothing behind, and no span is made of an enqueue.
 *
 * @returns a function that ends it
 */
export function propagateTrace(): () => void {
  return provideHeaders(() => {
    const active = context.active();
    const span = trace.getSpanContext(active);
    if (span === undefined || !isSpanContextValid(span)) return undefined;
    const headers: Record<string, string> = {};
    propagation.inject(active, headers);
    return headers;
  });
}
