import { InvalidJobError, limits } from "@pillion/core";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { enqueued, forms } from "./enqueued.ts";
import { type OwnQueue, ownQueue } from "./own-queue.ts";

let queue: OwnQueue;
beforeAll(async () => {
  queue = await ownQueue("any_options");
});
afterAll(() => queue.drop());

const shortText = (bytes: number) =>
  fc
    .oneof(fc.string({ unit: "grapheme", minLength: 1 }), fc.string({ unit: "binary", minLength: 1 }))
    .filter((text) => text.isWellFormed() && !text.includes("\u0000") && Buffer.byteLength(text) <= bytes);
const badText = (bytes: number) =>
  fc.constantFrom<unknown>(
    "",
    "a\u0000",
    "\ud800",
    "x".repeat(bytes + 1),
    "é".repeat(bytes / 2 + 1),
    1,
    true,
    null,
    {},
    [],
  );
const notWhole = fc.oneof(
  fc.double().filter((number) => !Number.isInteger(number)),
  fc.constantFrom<unknown>("1", 1n, null, {}, [1], true, Number.NaN, Number.POSITIVE_INFINITY),
);

let taken = 0;
const good = {
  queue: shortText(limits.nameBytes),
  priority: fc.integer({ min: limits.minPriority, max: limits.maxPriority }),
  maxAttempts: fc.integer({ min: 1, max: 2_147_483_647 }),
  partitionKey: shortText(limits.keyBytes),
  // A key that another run has taken would be answered with that run's job.
  uniqueKey: shortText(limits.keyBytes - 10).map((key) => `${++taken} ${key}`),
  headers: fc.dictionary(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" })),
};
const anyDate = fc.date({ min: new Date("-003999-01-01T00:00:00Z"), noInvalidDate: true });
interface Due {
  readonly runAt?: Date;
  readonly delayMs?: number;
  readonly startBefore?: Date;
}
const due: fc.Arbitrary<Due> = fc.oneof(
  fc.record({ runAt: anyDate }),
  fc
    .uniqueArray(anyDate, { minLength: 2, maxLength: 2, selector: Number })
    .map((dates) => dates.sort((a, b) => Number(a) - Number(b)))
    .map(([runAt, startBefore]) => ({ runAt: runAt!, startBefore: startBefore! })),
  fc.record({ delayMs: fc.double({ min: 0, max: 1e11, noNaN: true }), startBefore: anyDate }),
  fc.record({ startBefore: anyDate }),
  fc.constant({}),
);

const bad: Record<string, fc.Arbitrary<unknown>> = {
  queue: badText(limits.nameBytes),
  priority: fc.oneof(notWhole, fc.integer({ min: 5 }), fc.integer({ max: -5 })),
  maxAttempts: fc.oneof(notWhole, fc.integer({ max: 0 }), fc.integer({ min: 2 ** 31, max: 2 ** 53 })),
  delayMs: fc.oneof(
    fc.double({ max: -Number.MIN_VALUE, noNaN: true }),
    fc.double({ min: 1.01e14 }),
    fc.constantFrom<unknown>("1", null, {}, 1n),
  ),
  runAt: fc.oneof(
    fc.constant(new Date(Number.NaN)),
    fc.date({ max: new Date("-004001-01-01T00:00:00Z") }),
    fc.constantFrom<unknown>(0, "now", "infinity", null, {}),
  ),
  startBefore: fc.oneof(
    fc.constant(new Date(Number.NaN)),
    fc.date({ max: new Date("-004001-01-01T00:00:00Z") }),
    fc.constantFrom<unknown>(0, "now", "infinity", null, {}),
  ),
  partitionKey: badText(limits.keyBytes),
  uniqueKey: badText(limits.keyBytes),
  onConflict: fc.constantFrom<unknown>(null, "", "Keep", "replace", true, {}),
  headers: fc.constantFrom<unknown>(
    null,
    [],
    "a",
    1,
    { a: 1n },
    { a: Number.NaN },
    { "\u0000": 1 },
    new Map(),
  ),
};

const anyForm = fc.constantFrom(...forms);
const runs = { numRuns: 300 };
/** Options among which one goes with another. */
const options = fc
  .record(good, { requiredKeys: [] })
  .chain((some) =>
    some.uniqueKey === undefined
      ? fc.constant(some)
      : fc
          .constantFrom("keep", "debounce", "throttle", undefined)
          .map((onConflict) => ({ ...some, onConflict })),
  );

test("options that are accepted come back equal", async () => {
  await fc.assert(
    fc.asyncProperty(anyForm, options, due, async (form, options, when) => {
      const row = await enqueued(queue, form, null, { ...options, ...when });
      if (row instanceof Error) throw row;
      const {
        queue: lane = "default",
        priority = 0,
        maxAttempts = 20,
        partitionKey = null,
        uniqueKey = null,
      } = options;
      expect(row).toMatchObject({
        queue: lane,
        priority,
        max_attempts: maxAttempts,
        partition_key: partitionKey,
        unique_key: uniqueKey,
      });
      expect(row.headers && JSON.parse(row.headers)).toEqual(options.headers ?? null);
      expect(row.start_before && Number(row.start_before)).toBe(when.startBefore?.getTime() ?? null);
      if (when.runAt !== undefined) expect(Number(row.run_at)).toBe(when.runAt.getTime());
      if (when.delayMs !== undefined)
        expect(Math.abs(Number(row.delay) - when.delayMs)).toBeLessThanOrEqual(0.001);
      expect(row.state).toBe(Number(row.delay) > 0 ? "scheduled" : "ready");
    }),
    runs,
  );
});

test("one bad option among good ones is refused by its name, and leaves the transaction usable", async () => {
  const oneBad = fc
    .constantFrom(...Object.keys(bad))
    .chain((field) => fc.record({ field: fc.constant(field), value: bad[field]! }));
  await fc.assert(
    fc.asyncProperty(
      anyForm,
      fc.record(good, { requiredKeys: [] }),
      oneBad,
      async (form, options, { field, value }) => {
        const answer = await enqueued(queue, form, null, { ...options, [field]: value });
        expect(answer).toBeInstanceOf(InvalidJobError);
        expect((answer as InvalidJobError).message).toContain(`: its ${field}`);
      },
    ),
    runs,
  );
});

test("a name that no option has is refused, whatever it is", async () => {
  const known = [...Object.keys(bad), "uniqueUntil"];
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: "binary" }).filter((name) => !known.includes(name)),
      async (name) => {
        const answer = await enqueued(queue, "enqueue", null, Object.fromEntries([[name, 1]]));
        expect(answer).toBeInstanceOf(InvalidJobError);
        expect((answer as InvalidJobError).message).toContain(
          `it has the unknown option ${JSON.stringify(name)}.`,
        );
      },
    ),
    { numRuns: 100 },
  );
});
