import {
  context,
  isSpanContextValid,
  type Link,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { ActiveJob, Around } from "@pillion/core/worker";
import { instrumentation, ofQueue, processing } from "./attributes.ts";

/** Where the spans go. */
export interface TraceOptions {
  /** Default: one of the global provider. */
  readonly tracer?: Tracer | undefined;
}

/**
 * For `createWorker({ around: traceHandlers() })`: each call of a handler is a span `process <queue>` of kind CONSUMER, in
 * a trace of its own, with a link to the span that enqueued the job: a retry a week later does not stretch the request's
 * trace. The handler runs within it, so that its own spans are its children. An error is recorded, and goes on as it
 * was; a job that is put off ends its span without one. No payload is recorded, nor what an error of an encrypted job says.
 */
export function traceHandlers({ tracer = trace.getTracer(instrumentation) }: TraceOptions = {}): Around {
  return async (jobs, run) => {
    const [first] = jobs;
    const options = {
      kind: SpanKind.CONSUMER,
      links: jobs.flatMap(linkOf),
      attributes: {
        ...ofQueue(first!.queue),
        ...processing,
        "pillion.job.name": first!.name,
        ...(jobs.length === 1
          ? {
              "messaging.message.id": first!.id,
              "pillion.job.attempt": first!.attempt,
              "pillion.job.max_attempts": first!.maxAttempts,
            }
          : { "messaging.batch.message_count": jobs.length }),
      },
    };
    const span = tracer.startSpan(`process ${first!.queue}`, options, ROOT_CONTEXT);
    try {
      return await context.with(trace.setSpan(contextOf(first!), span), run);
    } catch (error) {
      const said = errorOf(error);
      // What an error of an encrypted job says may quote what is secret.
      const withheld = jobs.some(({ encrypted }) => encrypted);
      const { name, message } = withheld ? { name: said.name, message: "(encrypted with the job)" } : said;
      span.recordException(withheld || !(error instanceof Error) ? { name, message } : error);
      span.setAttribute("error.type", name);
      span.setStatus({ code: SpanStatusCode.ERROR, message });
      throw error;
    } finally {
      span.end();
    }
  };
}

const errorOf = (error: unknown) =>
  error instanceof Error ? error : { name: "Thrown", message: String(error) };

/** What the enqueuer's context carries besides its span: baggage. */
const contextOf = ({ headers }: ActiveJob) => propagation.extract(ROOT_CONTEXT, headers);

function linkOf(job: ActiveJob): Link[] {
  const enqueuer = trace.getSpanContext(contextOf(job));
  return enqueuer && isSpanContextValid(enqueuer) ? [{ context: enqueuer }] : [];
}
