import {
  defineEvent,
  defineJob,
  defineTopic,
  definitionsWith,
  type Event,
  type Job,
  type PayloadOf,
  subscribe,
  type Topic,
  type,
} from "@pillion/core";
import type { Verbs } from "@pillion/core/adapter";
import type { Admin } from "@pillion/core/admin";
import { aesGcm } from "@pillion/core/encryption";
import { createClaimer, handle, type Schedule, schedule } from "@pillion/core/worker";
import { expectTypeOf, test } from "vitest";
import { z } from "zod";

interface Address {
  street: string;
  lines?: string[];
}

const sendInvoice = defineJob({
  name: "invoice.send",
  payload: z.object({ orderId: z.number(), copies: z.number().default(1) }),
  result: type<{ pdf: string }>(),
});
const ship = defineJob({ name: "order.ship", payload: type<{ orderId: number; to: Address }>() });

test("a job type takes the schema's input and nothing else", () => {
  sendInvoice({ orderId: 1 });
  sendInvoice({ orderId: 1, copies: 2 }, { delayMs: 1_000, uniqueKey: "1" });
  // @ts-expect-error: a text is no number
  sendInvoice({ orderId: "1" });
  // @ts-expect-error: the order is missing
  sendInvoice({});
  // @ts-expect-error: a property that the payload does not have
  sendInvoice({ orderId: 1, order: 2 });
  // @ts-expect-error: an option that does not exist
  sendInvoice({ orderId: 1 }, { delay: 1_000 });
  expectTypeOf(sendInvoice).parameter(0).toEqualTypeOf<{ orderId: number; copies?: number | undefined }>();
});

test("an option or a property may be passed as a variable that is undefined", () => {
  const maybe = undefined as number | undefined;
  sendInvoice({ orderId: 1, copies: maybe }, { delayMs: maybe, priority: maybe });
});

test("a payload may be an interface, with optional properties", () => {
  ship({ orderId: 1, to: { street: "Main Street 1" } });
  // @ts-expect-error: a street is a text
  ship({ orderId: 1, to: { street: 1 } });
});

test("a payload that JSON cannot carry does not compile", () => {
  defineJob({ name: "at", payload: z.object({ at: z.iso.datetime() }) });
  // @ts-expect-error: a Date
  defineJob({ name: "at", payload: z.object({ at: z.date() }) });
  // @ts-expect-error: a bigint, deep inside
  defineJob({ name: "at", payload: type<{ list: { id: bigint }[] }>() });
  // @ts-expect-error: a function
  defineJob({ name: "at", payload: type<{ then: () => void }>() });
});

test("a handler gets the schema's output, and must answer the result that was defined", () => {
  handle(sendInvoice, async (job) => {
    expectTypeOf(job.payload).toEqualTypeOf<{ orderId: number; copies: number }>();
    return { pdf: `${job.payload.orderId}.pdf` };
  });
  // @ts-expect-error: the result has no pdf
  handle(sendInvoice, async () => ({ html: "" }));
  handle(ship, async (job) => {
    expectTypeOf(job.payload).toEqualTypeOf<{ orderId: number; to: Address }>();
  });
  expectTypeOf<PayloadOf<typeof sendInvoice>>().toEqualTypeOf<{ orderId: number; copies: number }>();
});

test("a claimed job has its type's payload and takes its result; of several types, each is told apart", async () => {
  const one = createClaimer({ database: "postgres://", jobTypes: [sendInvoice] });
  for (const job of await one.claim({ limit: undefined })) {
    expectTypeOf(job.payload).toEqualTypeOf<{ orderId: number; copies: number }>();
    one.complete(job, { pdf: "1.pdf" });
    one.complete(job);
    // @ts-expect-error: the result has no pdf
    one.complete(job, { html: "" });
  }
  const both = createClaimer({ database: "postgres://", jobTypes: [sendInvoice, ship] });
  for (const job of await both.claim()) {
    // @ts-expect-error: not every one has an address
    job.payload.to;
    if (both.is(job, ship)) expectTypeOf(job.payload).toEqualTypeOf<{ orderId: number; to: Address }>();
    else expectTypeOf(job.payload).toEqualTypeOf<{ orderId: number; copies: number }>();
  }
  // @ts-expect-error: a job to be enqueued is not one that is held
  one.complete(sendInvoice({ orderId: 1 }));
  // @ts-expect-error: a handler is not a job type
  createClaimer({ database: "postgres://", jobTypes: [handle(ship, async () => {})] });
});

test("jobs of different types are one kind of value: a job", () => {
  const jobs: Job[] = [sendInvoice({ orderId: 1 }), ship({ orderId: 1, to: { street: "Main Street 1" } })];
  expectTypeOf(jobs).items.not.toBeAny();
  // @ts-expect-error: a job type is not a job
  const type: Job = sendInvoice;
  expectTypeOf(type).not.toBeAny();
});

const placed = defineTopic({
  name: "order.placed",
  payload: z.object({ orderId: z.number(), note: z.string().optional() }),
});
declare const verbs: Verbs<{ tx: true }, { client: true }>;
declare const admin: Admin;
declare const tx: { tx: true };

test("a topic takes its schema's input and nothing else", () => {
  expectTypeOf(placed).toEqualTypeOf<Topic<{ orderId: number; note?: string | undefined }>>();
  verbs.publish(tx, placed, { orderId: 1 }, { delayMs: 1_000, uniqueKey: "1" });
  admin.publish(placed, { orderId: 1, note: undefined });
  // @ts-expect-error: a text is no number
  verbs.publish(tx, placed, { orderId: "1" });
  // @ts-expect-error: the order is missing
  verbs.publish(tx, placed, {});
  // @ts-expect-error: a property that the payload does not have
  verbs.publish(tx, placed, { orderId: 1, order: 2 });
  // @ts-expect-error: a subscription's queue is its job type's
  verbs.publish(tx, placed, { orderId: 1 }, { queue: "mail" });
  // @ts-expect-error: a job type is no topic
  verbs.publish(tx, sendInvoice, { orderId: 1 });
  // @ts-expect-error: a Date
  defineTopic({ name: "at", payload: z.object({ at: z.date() }) });
});

test("a job type subscribes to topics whose payload it takes", () => {
  subscribe(placed, sendInvoice);
  admin.subscribe(placed, defineJob({ name: "note", payload: type<{ note?: string | undefined }>() }));
  // @ts-expect-error: it needs an address, which the topic does not have
  subscribe(placed, ship);
  // @ts-expect-error: the same
  admin.subscribe(placed, ship);
});

test("the verbs on jobs take an id or a filter, whose name may be a job type", () => {
  verbs.cancel(tx, "1");
  verbs.cancel(tx, { name: sendInvoice, state: ["ready", "scheduled"], headers: { tenant: 1 } });
  verbs.retry(tx, { name: "invoice.send", queue: undefined });
  verbs.reschedule(tx, "1", { runAt: new Date() });
  // @ts-expect-error: an id is a text
  verbs.cancel(tx, 1);
  // @ts-expect-error: a property that jobs do not have
  verbs.cancel(tx, { quue: "mail" });
  // @ts-expect-error: no such state
  verbs.retry(tx, { state: "done" });
  // @ts-expect-error: both
  verbs.reschedule(tx, "1", { runAt: new Date(), delayMs: 1 });
  // @ts-expect-error: the transaction is missing
  verbs.cancel("1");
});

test("a schedule has a cron line or an interval, and a job", () => {
  const job = sendInvoice({ orderId: 1 });
  expectTypeOf(
    schedule({ name: "daily", cron: "0 7 * * *", timeZone: "Europe/Berlin", job }),
  ).toEqualTypeOf<Schedule>();
  schedule({ name: "often", everyMs: 1_000, job, missed: "skip" });
  const maybe: string | undefined = undefined as string | undefined;
  schedule({ name: "daily", cron: "0 7 * * *", timeZone: maybe, missed: undefined, job });
  // @ts-expect-error: both
  schedule({ name: "both", cron: "0 7 * * *", everyMs: 1_000, job });
  // @ts-expect-error: neither
  schedule({ name: "neither", job });
  // @ts-expect-error: an interval is in no zone
  schedule({ name: "often", everyMs: 1_000, timeZone: "UTC", job });
  // @ts-expect-error: a job type is no job
  schedule({ name: "type", everyMs: 1_000, job: sendInvoice });
  // @ts-expect-error: a policy that there is not
  schedule({ name: "policy", everyMs: 1_000, missed: "all", job });
});

const packed = defineEvent({
  name: "shipment.packed",
  payload: z.object({ boxes: z.number(), at: z.coerce.date<string>().optional() }),
});

test("an event is named by its type and a key, and emitted with the schema's input", () => {
  expectTypeOf(packed("1")).toEqualTypeOf<
    Event<{ boxes: number; at?: string | undefined }, { boxes: number; at?: Date | undefined }>
  >();
  packed(1);
  packed(1n);
  // @ts-expect-error: a key is no object
  packed({ order: 1 });
  verbs.emit(tx, packed("1"), { boxes: 2, at: "2026-01-01" }, { keepMs: 1_000 });
  // @ts-expect-error: a text is no number
  verbs.emit(tx, packed("1"), { boxes: "2" });
  // @ts-expect-error: the payload is missing
  verbs.emit(tx, packed("1"));
  // @ts-expect-error: a property that the payload does not have
  verbs.emit(tx, packed("1"), { boxes: 2, box: 1 });
  // @ts-expect-error: the event's type, without a key
  verbs.emit(tx, packed, { boxes: 2 });
  // @ts-expect-error: a Date is no JSON
  defineEvent({ name: "at", payload: z.object({ at: z.date() }) });
});

test("types of an encrypted application are those of their definitions", () => {
  const codec = aesGcm(() => ({ current: "k", keys: { k: undefined } }));
  const secret = definitionsWith({ codec }).defineJob({
    name: "secret",
    payload: z.object({ orderId: z.number(), copies: z.number().default(1) }),
    result: type<{ pdf: string }>(),
  });
  expectTypeOf(secret).toEqualTypeOf<typeof sendInvoice>();
  // @ts-expect-error: no codec
  definitionsWith({});
  // @ts-expect-error: a codec encodes and decodes
  defineJob({ name: "secret", payload: type<null>(), codec: { encode: () => ({ keyId: "", data: "" }) } });
});

test("settings of a job's transactions are texts", () => {
  const configure = {} as Verbs<{ a: 1 }, { b: 2 }>["configure"];
  configure({ setLocal: ({ headers }) => ({ "app.tenant": String(headers.tenant), role: undefined }) });
  // @ts-expect-error: a number is no text
  configure({ setLocal: () => ({ "app.tenant": 7 }) });
  // @ts-expect-error: a header may be anything
  configure({ setLocal: ({ headers }) => ({ "app.tenant": headers.tenant }) });
  // @ts-expect-error: it is not awaited
  configure({ setLocal: async () => ({ "app.tenant": "7" }) });
});

test("what a step answers, an event carries and a child leaves has its type", () => {
  handle(ship, async (job) => {
    expectTypeOf(job.key("charge")).toEqualTypeOf<string>();
    expectTypeOf(job.step("one", () => ({ id: 1 }))).resolves.toEqualTypeOf<{ id: number }>();
    expectTypeOf(job.step("two", async () => "text")).resolves.toEqualTypeOf<string>();
    expectTypeOf(job.step("three", () => {})).resolves.toEqualTypeOf<void>();
    expectTypeOf(job.waitForEvent(packed(job.payload.orderId), { timeoutMs: 1_000 })).resolves.toEqualTypeOf<{
      boxes: number;
      at?: Date | undefined;
    }>();
    expectTypeOf(job.run(sendInvoice({ orderId: 1 }))).resolves.toEqualTypeOf<{ pdf: string }>();
    const both = job.run([
      sendInvoice({ orderId: 1 }),
      defineJob({ name: "n", payload: type<null>(), result: type<7>() })(null),
    ]);
    expectTypeOf(both).resolves.toEqualTypeOf<[{ pdf: string }, 7]>();
    expectTypeOf(job.run([1, 2].map((orderId) => sendInvoice({ orderId })))).resolves.toEqualTypeOf<
      { pdf: string }[]
    >();
    expectTypeOf(job.sleep(1_000)).resolves.toEqualTypeOf<void>();
    // @ts-expect-error: a time is no Date
    job.sleepUntil(1_000);
    // @ts-expect-error: the event's type, without a key
    job.waitForEvent(packed);
    // @ts-expect-error: a job type is no job
    job.run(sendInvoice);
    // @ts-expect-error: a step has a name
    job.step(() => 1);
    // @ts-expect-error: a transaction is an adapter's
    job.stepTx;
  });
});
