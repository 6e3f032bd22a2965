import { defineJob, type Job, type PayloadOf, type } from "@pillion/core";
import { handle } from "@pillion/core/worker";
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

test("jobs of different types are one kind of value: a job", () => {
  const jobs: Job[] = [sendInvoice({ orderId: 1 }), ship({ orderId: 1, to: { street: "Main Street 1" } })];
  expectTypeOf(jobs).items.not.toBeAny();
  // @ts-expect-error: a job type is not a job
  const type: Job = sendInvoice;
  expectTypeOf(type).not.toBeAny();
});
