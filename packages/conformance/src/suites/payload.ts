import assert from "node:assert/strict";
import type { Case, Suite } from "../suite.ts";

const deepest = "the deepest nesting";
const nested = (depth: number): unknown => (depth === 0 ? [] : [nested(depth - 1)]);

/** Every kind of JSON, and what drivers have been seen to change on the way. */
const payloads: readonly [name: string, value: unknown, type: string][] = [
  ["null", null, "null"],
  ["true", true, "boolean"],
  ["false", false, "boolean"],
  ["zero", 0, "number"],
  ["a fraction", -0.1, "number"],
  ["the largest safe integers", [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER], "array"],
  ["the largest number", Number.MAX_VALUE, "number"],
  ["the smallest number", Number.MIN_VALUE, "number"],
  ["numbers that are written with an exponent", [1e21, 1.5e-7, 123e-20], "array"],
  ["an empty text", "", "string"],
  ["an empty array", [], "array"],
  ["an empty object", {}, "object"],
  ["a text that looks like JSON", '{"a":1}', "string"],
  ["a text that looks like a JSON text", '"a"', "string"],
  ["a text that looks like a number", "1", "string"],
  ["a text that looks like an array of Postgres", "{1,2}", "string"],
  ["an array, which drivers send as an array of Postgres", [1, "two", null, [3]], "array"],
  ["an array of objects", [{ a: 1 }, { a: 2 }], "array"],
  ["quotes, backslashes and line ends", "' \" \\ \\' \n \r\n \t \b \u2028 \u0001 \u007f", "string"],
  ["placeholders of every driver", "$1 $2 ? ?? :name @p1 %s {{x}} {0}", "string"],
  ["SQL", "'); drop table orders; --", "string"],
  ["characters beyond the basic plane", "𝄞 😀 👨‍👩‍👧 \u{10FFFF}", "string"],
  ["combining characters, which must not be composed", "e\u0301 \u00e9 A\u030a ﬁ", "string"],
  ["text from right to left", "שלום \u202eabc\u202c مرحبا", "string"],
  [
    "keys that objects inherit",
    JSON.parse('{"__proto__":1,"constructor":2,"toString":3,"hasOwnProperty":4}'),
    "object",
  ],
  [
    "keys that need quoting",
    { "": 1, " ": 2, "a.b": 3, "a'b": 4, 'a"b': 5, $1: 6, "?": 7, "😀": 8 },
    "object",
  ],
  ["keys that look like numbers", { 10: "a", 9: "b", "-1": "c" }, "object"],
  ["a date as text", "2026-11-21T12:00:00.000Z", "string"],
  [deepest, nested(499), "array"],
  ["1 MiB", "x".repeat(1_048_576 - 2), "string"],
  ["1 MiB of characters of three bytes", "語".repeat((1_048_576 - 4) / 3), "string"],
];

const cases = payloads.map(
  ([name, value, type]): Case => ({
    name: `${name} comes back as it was given, in every form of enqueue, and as headers too`,
    async run(context) {
      const job = context.jobType();
      const headers = { value };
      // Headers share the payload's limits, which the largest and deepest exceed once they are in an object.
      const options = JSON.stringify(headers).length > 300_000 || name === deepest ? {} : { headers };
      const connection = await context.connection();
      await connection.transaction(async (tx) => {
        await context.verbs.enqueue(tx, job(value, options));
        await context.verbs.enqueue(tx, job(value, { ...options, uniqueKey: "a" }));
        await context.verbs.enqueueMany(tx, [job(value, options), job(value, options)]);
        await context.verbs.enqueueMany(tx, [
          job(value, options),
          job(value, { ...options, uniqueKey: "b" }),
        ]);
      });
      const jobs = await context.reader.jobs(job.name);
      assert.equal(jobs.length, 6, "jobs that exist");
      const wanted = JSON.parse(JSON.stringify(value));
      for (const stored of jobs) {
        assert.equal(stored.payload_type, type, "jsonb_typeof the payload");
        assert.deepEqual(JSON.parse(stored.payload), wanted, "the payload that was stored");
        assert.deepEqual(
          stored.headers === null ? null : JSON.parse(stored.headers),
          options.headers ? { value: wanted } : null,
          "the headers that were stored",
        );
      }
    },
  }),
);

const undefinedProperty: Case = {
  name: "a property that is undefined is left out, as JSON does",
  async run(context) {
    const job = context.jobType();
    const connection = await context.connection();
    await connection.transaction((tx) => context.verbs.enqueue(tx, job({ a: 1, b: undefined })));
    const [stored] = await context.reader.jobs(job.name);
    assert.equal(stored?.payload, '{"a": 1}', "the payload that was stored");
  },
};

/** What is stored is what was given: no driver changes it on the way. */
export const payload: Suite = { name: "payload", cases: () => [...cases, undefinedProperty] };
