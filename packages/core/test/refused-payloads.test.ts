import { defineJob, InvalidJobError, type PayloadIssue, type } from "@pillion/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { type OwnQueue, ownQueue } from "./own-queue.ts";

let queue: OwnQueue;
beforeAll(async () => {
  queue = await ownQueue("payloads");
});
afterAll(() => queue.drop());

const mail = defineJob({ name: "mail.send", payload: type<unknown>() });

class Money {
  readonly amount = 1;
}
class Line extends Array {}
const arrays = (levels: number) => {
  let value: unknown = null;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
};
const order: Record<string, unknown> = { lines: [{}] };
(order.lines as { order: unknown }[])[0]!.order = order;
const list: unknown[] = [];
list.push(list);

test.each<[what: string, payload: unknown, message: string, path?: PropertyKey[]]>([
  ["undefined", undefined, "its payload is undefined. Pass null for a job without one."],
  ["a function", () => 1, "its payload is a function, which JSON cannot carry."],
  ["a symbol", { s: Symbol("s") }, "its payload.s is a symbol, which JSON cannot carry.", ["s"]],
  ["a BigInt", [1n], "its payload[0] is a BigInt, which JSON cannot carry; pass it as text.", [0]],
  ["NaN", { a: { b: Number.NaN } }, "its payload.a.b is NaN, which JSON cannot carry.", ["a", "b"]],
  ["Infinity", Number.POSITIVE_INFINITY, "its payload is Infinity, which JSON cannot carry."],
  ["-Infinity", [Number.NEGATIVE_INFINITY], "its payload[0] is -Infinity, which JSON cannot carry.", [0]],
  [
    "an object that contains itself",
    order,
    "its payload.lines[0].order contains itself (a circular reference).",
    ["lines", 0, "order"],
  ],
  ["an array that contains itself", list, "its payload[0] contains itself (a circular reference).", [0]],
  ["501 levels", arrays(501), "its payload[0][0][0][0][0][0][0][0]… is nested deeper than 500 levels."],
  [
    "100,000 levels",
    arrays(100_000),
    "its payload[0][0][0][0][0][0][0][0]… is nested deeper than 500 levels.",
  ],
  ["U+0000", "a\u0000b", "its payload contains the character U+0000, which Postgres cannot store."],
  [
    "U+0000 in a key",
    { a: { "b\u0000": 1 } },
    'its payload.a["b\\u0000"] has this key, which contains the character U+0000, which Postgres cannot store.',
    ["a", "b\u0000"],
  ],
  [
    "the first half of a pair",
    "\ud83d",
    "its payload contains half of a surrogate pair, which UTF-8 cannot carry.",
  ],
  [
    "the second half of a pair",
    { a: "\ude00!" },
    "its payload.a contains half of a surrogate pair, which UTF-8 cannot carry.",
    ["a"],
  ],
  [
    "half of a pair in a key",
    { "\ud800": 1 },
    'its payload["\\ud800"] has this key, which contains half of a surrogate pair, which UTF-8 cannot carry.',
    ["\ud800"],
  ],
  ["undefined in an array", [1, undefined], "its payload[1] is undefined.", [1]],
  // biome-ignore lint/suspicious/noSparseArray: it is what is tested
  ["a hole in an array", [1, , 2], "its payload[1] is undefined.", [1]],
  [
    "a Date",
    { at: new Date(0) },
    "its payload.at is an instance of Date, which JSON would flatten; pass date.toISOString().",
    ["at"],
  ],
  [
    "a Map",
    new Map([[1, 2]]),
    "its payload is an instance of Map, which JSON would flatten; pass a plain object.",
  ],
  [
    "a Set",
    { s: new Set() },
    "its payload.s is an instance of Set, which JSON would flatten; pass a plain object.",
    ["s"],
  ],
  [
    "a Buffer",
    Buffer.from("x"),
    "its payload is an instance of Buffer, which JSON would flatten; pass a plain object.",
  ],
  [
    "an error",
    new Error("x"),
    "its payload is an instance of Error, which JSON would flatten; pass a plain object.",
  ],
  [
    "a promise",
    Promise.resolve(1),
    "its payload is an instance of Promise, which JSON would flatten; pass a plain object.",
  ],
  [
    "an instance of a class",
    [new Money()],
    "its payload[0] is an instance of Money, which JSON would flatten; pass a plain object.",
    [0],
  ],
  [
    "an instance of an array's class",
    Line.from([1]),
    "its payload is an instance of Line, which JSON would flatten; pass a plain array.",
  ],
  [
    "an object that inherits",
    Object.create({ a: 1 }),
    "its payload is an object with a prototype of its own, which JSON would drop.",
  ],
  [
    "a RegExp's match",
    /b/.exec("abc"),
    'its payload is an array with the property "groups", which JSON would drop.',
  ],
  [
    "a key that is a symbol",
    { [Symbol("s")]: 1 },
    "its payload has a property whose key is a symbol, which JSON would drop.",
  ],
  [
    "a toJSON of its own",
    { toJSON: () => 1 },
    "its payload.toJSON is a function, which JSON cannot carry.",
    ["toJSON"],
  ],
])(
  "a payload with %s is refused by name and place, before anything is sent",
  async (_, payload, message, path) => {
    const tx = await queue.begin();
    const before = queue.sent.length;
    const error = await queue.verbs.enqueue(tx, mail(payload)).catch((error) => error);
    expect(error).toBeInstanceOf(InvalidJobError);
    expect(error).toMatchObject({ code: "INVALID_JOB", jobName: "mail.send", retryable: false });
    expect(error.message).toBe(`Job "mail.send": ${message}`);
    if (path !== undefined) expect(error.issues.map((issue: PayloadIssue) => issue.path)).toEqual([path]);
    expect(queue.sent.length).toBe(before);
    await tx.query("select 1");
  },
);

test("a payload one byte over the limit is refused, and one of exactly the limit is stored", async () => {
  const tx = await queue.begin();
  const { enqueue } = queue.verbs.configure({ maxPayloadBytes: 100 });
  // é takes two bytes, 😀 four, and the quotes one each.
  const full = `${"é".repeat(47)}😀`;
  await expect(enqueue(tx, mail(`${full}x`))).rejects.toThrow(
    'Job "mail.send": its payload has 101 bytes of JSON; at most 100 are allowed. Store the data and enqueue a reference to it.',
  );
  const { id } = await enqueue(tx, mail(full));
  const [row] = await queue.query("select payload from pillion.job where id = $1", [id], tx);
  expect(row).toEqual({ payload: full });
});

test("what a payload throws while it is read is the cause of the refusal", async () => {
  const tx = await queue.begin();
  const thrown = new Error("the connection is closed");
  const lazy = {
    get lines() {
      throw thrown;
    },
  };
  const error = await queue.verbs.enqueue(tx, mail(lazy)).catch((error) => error);
  expect(error).toMatchObject({ code: "INVALID_JOB", jobName: "mail.send", cause: thrown });
  expect(error.message).toBe('Job "mail.send": its payload cannot be read: the connection is closed.');
});

const invoice = defineJob({
  name: "invoice.send",
  payload: z.object({ id: z.number(), lines: z.array(z.object({ count: z.int() })) }),
});

test("a payload that fails its schema is refused with the validator's own issues", async () => {
  const tx = await queue.begin();
  const before = queue.sent.length;
  const bad = invoice({ id: "7" as never, lines: [{ count: 1 }, { count: 1.5 }] });
  const error = await queue.verbs.enqueue(tx, bad).catch((error) => error);
  const { issues } = z
    .object({ id: z.number(), lines: z.array(z.object({ count: z.int() })) })
    .safeParse(bad.payload).error!;
  expect(error).toMatchObject({ code: "INVALID_JOB", jobName: "invoice.send" });
  expect(error.issues).toEqual(issues.map(({ message, path }) => ({ message, path })));
  expect(error.message).toBe(
    `Job "invoice.send": its payload is not valid: payload.id: ${issues[0]!.message}; payload.lines[1].count: ${issues[1]!.message}.`,
  );
  expect(queue.sent.length).toBe(before);
});

test("a schema that answers with a promise is waited for; what it refuses or throws is a refusal", async () => {
  const tx = await queue.begin();
  const known = {
    "~standard": {
      ...type<string>()["~standard"],
      async validate(name: unknown) {
        if (name === "broken") throw new Error("the directory is down");
        return name === "ada" ? { value: "ada" } : { issues: [{ message: "nobody of this name" }] };
      },
    },
  };
  const greet = defineJob({ name: "greet", payload: known });
  expect(await queue.verbs.enqueue(tx, greet("ada"))).toMatchObject({ created: true });
  await expect(queue.verbs.enqueue(tx, greet("bob"))).rejects.toThrow(
    'Job "greet": its payload is not valid: payload: nobody of this name.',
  );
  await expect(queue.verbs.enqueue(tx, greet("broken"))).rejects.toMatchObject({
    message: 'Job "greet": its schema threw: the directory is down.',
    cause: { message: "the directory is down" },
  });
});
