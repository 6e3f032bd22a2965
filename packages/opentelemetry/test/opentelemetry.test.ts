import { context, propagation, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from "@opentelemetry/core";
import { MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { DiscardError, defineJob, type } from "@pillion/core";
import { createAdmin } from "@pillion/core/admin";
import { migrate } from "@pillion/core/migrate";
import { createWorker, handle, handleMany, type WorkerOptions } from "@pillion/core/worker";
import { scratchQueue } from "@pillion/dev-postgres";
import { measureQueues, measureWorker, propagateTrace, traceHandlers } from "@pillion/opentelemetry";
import { configure, database } from "@pillion/pg";
import pg from "pg";
import { afterAll, beforeEach, expect, inject, onTestFinished, test } from "vitest";

const exporter = new InMemorySpanExporter();
trace.setGlobalTracerProvider(
  new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(
  new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
);
beforeEach(() => exporter.reset());

const { url, schema, drop } = await scratchQueue(inject("databaseUrl"), "opentelemetry", migrate);
const pool = new pg.Pool({ connectionString: url, max: 5 });
const { enqueueStandalone, enqueue } = configure({ schema });
const admin = createAdmin({ database: pool, schema });
afterAll(async () => {
  // Files after this one run in the same process.
  for (const api of [trace, context, propagation]) api.disable();
  await pool.end();
  await drop();
});

const tracer = trace.getTracer("application");
const work = defineJob({ name: "work", payload: type<string>(), maxAttempts: 1 });
const retried = defineJob({
  name: "retried",
  payload: type<null>(),
  queue: "retries",
  backoff: { type: "fixed", delayMs: 0 },
});
const many = defineJob({ name: "many", payload: type<number>(), queue: "batches" });

async function working(handlers: WorkerOptions["handlers"]) {
  const worker = createWorker({
    database: database(pool),
    schema,
    handlers,
    pollMs: 20,
    logger: false,
    around: traceHandlers(),
  });
  onTestFinished(() => worker.stop({ graceMs: 0 }));
  await worker.start();
  return worker;
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}

const reaches = (id: string, state: string) => until(async () => (await admin.job(id))!.state === state);
const spans = (name: string) => exporter.getFinishedSpans().filter((span) => span.name === name);

test("an attempt's span is linked to the span that enqueued the job, and the handler's own are its children", async () => {
  onTestFinished(propagateTrace());
  await working([
    handle(work, async () => {
      await Promise.resolve();
      tracer.startSpan("charge").end();
    }),
  ]);
  const id = await tracer.startActiveSpan("request", async (span) => {
    const baggage = propagation.createBaggage({ tenant: { value: "7" } });
    const enqueued = await context.with(propagation.setBaggage(context.active(), baggage), () =>
      enqueueStandalone(pool, work("secret")),
    );
    span.end();
    return enqueued.id;
  });
  await reaches(id, "completed");
  await until(() => spans("process default").length === 1);
  const [request] = spans("request");
  const [attempt] = spans("process default");
  const [charge] = spans("charge");
  expect(attempt!.kind).toBe(SpanKind.CONSUMER);
  expect(attempt!.parentSpanContext).toBeUndefined();
  expect(attempt!.links.map(({ context }) => [context.traceId, context.spanId])).toEqual([
    [request!.spanContext().traceId, request!.spanContext().spanId],
  ]);
  expect(attempt!.attributes).toEqual({
    "messaging.system": "pillion",
    "messaging.destination.name": "default",
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
    "messaging.message.id": id,
    "pillion.job.name": "work",
    "pillion.job.attempt": 1,
    "pillion.job.max_attempts": 1,
  });
  expect(charge!.parentSpanContext!.spanId).toBe(attempt!.spanContext().spanId);
  expect((await admin.job(id))!.headers).toEqual({
    traceparent: expect.stringContaining(request!.spanContext().traceId),
    baggage: "tenant=7",
  });
});

test("every attempt of a job is a span of its own, linked to the span that enqueued it", async () => {
  onTestFinished(propagateTrace());
  await working([
    handle(retried, ({ attempt }) => {
      if (attempt < 3) throw new Error("not yet");
    }),
  ]);
  const id = await tracer.startActiveSpan("request", async (span) => {
    const enqueued = await enqueueStandalone(pool, retried(null));
    span.end();
    return enqueued.id;
  });
  await reaches(id, "completed");
  await until(() => spans("process retries").length === 3);
  const [request] = spans("request");
  const attempts = spans("process retries");
  expect(attempts.map(({ attributes }) => attributes["pillion.job.attempt"])).toEqual([1, 2, 3]);
  expect(new Set(attempts.map((span) => span.spanContext().traceId)).size).toBe(3);
  for (const { links } of attempts)
    expect(links.map(({ context }) => context.spanId)).toEqual([request!.spanContext().spanId]);
});

test("an error is the span's, and outside a span a job carries no header and its attempt has no link", async () => {
  onTestFinished(propagateTrace());
  await working([
    handle(work, () => {
      throw new DiscardError("no such order");
    }),
  ]);
  const { id } = await enqueueStandalone(pool, work("1"));
  await reaches(id, "dead");
  await until(() => spans("process default").length === 1);
  const [attempt] = spans("process default");
  expect(attempt!.status).toEqual({ code: SpanStatusCode.ERROR, message: "no such order" });
  expect(attempt!.attributes["error.type"]).toBe("DiscardError");
  expect(attempt!.events.map(({ name }) => name)).toEqual(["exception"]);
  expect(attempt!.links).toEqual([]);
  expect((await admin.job(id))!.headers).toBeNull();
});

test("a call for many jobs is one span, with a link to the enqueuer of each", async () => {
  onTestFinished(propagateTrace());
  const ids: string[] = [];
  for (const name of ["first", "second"])
    await tracer.startActiveSpan(name, async (span) => {
      ids.push((await enqueueStandalone(pool, many(1))).id);
      span.end();
    });
  await working([handleMany(many, { maxJobs: 10 }, () => {})]);
  for (const id of ids) await reaches(id, "completed");
  await until(() => spans("process batches").length === 1);
  const [batch] = spans("process batches");
  expect(batch!.attributes["messaging.batch.message_count"]).toBe(2);
  expect(batch!.links.map(({ context }) => context.traceId)).toEqual(
    ["first", "second"].map((name) => spans(name)[0]!.spanContext().traceId),
  );
});

test("an enqueue that is rolled back leaves neither a row nor a span", async () => {
  onTestFinished(propagateTrace());
  const client = await pool.connect();
  await client.query("begin");
  const { id } = await tracer.startActiveSpan("request", async (span) => {
    const enqueued = await enqueue(client, work("1"));
    span.end();
    return enqueued;
  });
  await client.query("rollback");
  client.release();
  expect(await admin.job(id)).toBeUndefined();
  expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(["request"]);
});

class OnDemand extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

test("a worker's attempts, their run and wait times, and the depth and age of its queues are measured", async () => {
  const reader = new OnDemand();
  const meter = new MeterProvider({ readers: [reader] }).getMeter("test");
  const measured = async () => {
    const { resourceMetrics, errors } = await reader.collect();
    expect(errors).toEqual([]);
    const metrics = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
    return new Map(
      metrics.map(({ descriptor, dataPoints }) => [
        descriptor.name,
        dataPoints.map(({ attributes, value }) => ({ attributes, value })),
      ]),
    );
  };
  const failing = defineJob({ name: "measured", payload: type<string>(), queue: "measured", maxAttempts: 1 });
  const unlucky = defineJob({
    name: "unlucky",
    payload: type<null>(),
    queue: "measured",
    backoff: { type: "fixed", delayMs: 0 },
  });
  const waiting = defineJob({ name: "waiting", payload: type<null>(), queue: "waiting" });
  await enqueueStandalone(pool, waiting(null));
  onTestFinished(measureQueues(admin, { meter }));
  const worker = await working([
    handle(failing, ({ payload }) => {
      if (payload === "fails") throw new RangeError("no");
    }),
    handle(unlucky, (job) => {
      if (job.attempt === 1) throw new Error("not yet");
      return job.snooze({ delayMs: 3_600_000 });
    }),
  ]);
  onTestFinished(measureWorker(worker, { meter }));
  const ends: string[] = [];
  for (const event of ["completed", "failed", "dead", "snoozed"] as const)
    worker.on(event, ({ id }) => ends.push(id));
  for (const payload of ["", "", "fails"]) await enqueueStandalone(pool, failing(payload));
  await enqueueStandalone(pool, unlucky(null));
  await until(() => ends.length === 5);
  const figures = await measured();
  const of = { "messaging.system": "pillion", "messaging.destination.name": "measured" };
  const job = { ...of, "pillion.job.name": "measured" };
  expect(figures.get("pillion.attempts")).toEqual(
    expect.arrayContaining([
      { attributes: { ...job, "pillion.outcome": "completed" }, value: 2 },
      { attributes: { ...job, "pillion.outcome": "dead" }, value: 1 },
      { attributes: { ...job, "pillion.job.name": "unlucky", "pillion.outcome": "failed" }, value: 1 },
      { attributes: { ...job, "pillion.job.name": "unlucky", "pillion.outcome": "snoozed" }, value: 1 },
    ]),
  );
  const process = { ...job, "messaging.operation.name": "process", "messaging.operation.type": "process" };
  expect(figures.get("messaging.process.duration")).toEqual(
    expect.arrayContaining([
      { attributes: process, value: expect.objectContaining({ count: 2 }) },
      {
        attributes: { ...process, "error.type": "RangeError" },
        value: expect.objectContaining({ count: 1 }),
      },
    ]),
  );
  expect(figures.get("messaging.client.consumed.messages")).toEqual([
    { attributes: process, value: 3 },
    { attributes: { ...process, "pillion.job.name": "unlucky" }, value: 2 },
  ]);
  expect(figures.get("pillion.job.wait.duration")).toEqual([
    { attributes: job, value: expect.objectContaining({ count: 3 }) },
    { attributes: { ...job, "pillion.job.name": "unlucky" }, value: expect.objectContaining({ count: 2 }) },
  ]);
  const waitingQueue = { "messaging.system": "pillion", "messaging.destination.name": "waiting" };
  expect(figures.get("pillion.queue.jobs")).toEqual(
    expect.arrayContaining([
      { attributes: { ...waitingQueue, "pillion.state": "ready" }, value: 1 },
      { attributes: { ...of, "pillion.state": "dead" }, value: 1 },
    ]),
  );
  const [age] = figures
    .get("pillion.queue.oldest.age")!
    .filter(({ attributes }) => attributes["messaging.destination.name"] === "waiting");
  expect(age!.value).toBeGreaterThan(0);
});
