import { InvalidJobError } from "@pillion/core";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { enqueued, forms } from "./enqueued.ts";
import { type OwnQueue, ownQueue } from "./own-queue.ts";

let queue: OwnQueue;
beforeAll(async () => {
  queue = await ownQueue("properties");
});
afterAll(() => queue.drop());

/** Text that Postgres can store, and text that it cannot. */
const text = fc.string({
  unit: fc.oneof(
    { weight: 9, arbitrary: fc.string({ unit: "binary" }) },
    fc.constantFrom("\u0000", "\ud800", "\udc00", "😀", "\\u0000", '"'),
  ),
});
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(null, true, false, 0, -1, 5e-324, 1.7976931348623157e308, 2 ** 53, 0.1 + 0.2),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.string({ unit: "grapheme" }),
    fc.array(tie("value")),
    fc.dictionary(fc.string({ unit: "grapheme" }), tie("value")),
  ),
})).value as fc.Arbitrary<unknown>;
/** Any value at all, with what JSON cannot carry somewhere in it, mostly. */
const anything = fc.oneof(
  json,
  fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withSparseArray: true,
    withNullPrototype: true,
    withBoxedValues: true,
    stringUnit: text,
    key: text,
  }),
  text,
);
/** Is the value what JSON says of it, but for properties that are undefined and the sign of zero? */
function carried(value: unknown): boolean {
  if (value === null || typeof value === "boolean") return true;
  if (typeof value === "string") return value.isWellFormed() && !value.includes("\u0000");
  if (typeof value === "number") return Number.isFinite(value);
  if (Array.isArray(value)) return Object.keys(value).length === value.length && value.every(carried);
  if (typeof value !== "object" || ![null, Object.prototype].includes(Object.getPrototypeOf(value)))
    return false;
  return Object.entries(value).every(([key, item]) => item === undefined || (carried(key) && carried(item)));
}

const anyForm = fc.constantFrom(...forms);
const runs = { numRuns: 300 };

test("whatever JSON is enqueued comes back equal", async () => {
  await fc.assert(
    fc.asyncProperty(anyForm, json, async (form, payload) => {
      const row = await enqueued(queue, form, payload);
      if (row instanceof Error) throw row;
      expect(JSON.parse(row!.payload!)).toEqual(JSON.parse(JSON.stringify(payload)));
    }),
    runs,
  );
});

test("whatever is enqueued comes back equal, or is refused and leaves the transaction usable", async () => {
  const seen = { accepted: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(anyForm, anything, async (form, payload) => {
      const row = await enqueued(queue, form, payload);
      expect(row instanceof InvalidJobError ? row.message : "accepted").toMatch(
        carried(payload) ? /^accepted$/ : /^Job "any.thing".*: its payload/,
      );
      if (row instanceof Error) return void seen.refused++;
      seen.accepted++;
      expect(JSON.parse(row!.payload!)).toEqual(JSON.parse(JSON.stringify(payload)));
    }),
    runs,
  );
  expect(seen.accepted).toBeGreaterThan(40);
  expect(seen.refused).toBeGreaterThan(40);
});
