import { randomUUID } from "node:crypto";
import { defineJob, defineTopic, type } from "@pillion/core";
import { type Admin, createAdmin } from "@pillion/core/admin";
import { createWorker, handle } from "@pillion/core/worker";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { type OwnQueue, ownQueue } from "../own-queue.ts";
import { committed } from "./committed.ts";

let queue: OwnQueue;
let admin: Admin;
beforeAll(async () => {
  queue = await ownQueue("publish");
  admin = createAdmin({ database: queue.pool, schema: queue.schema });
});
afterAll(() => queue.drop());

const topicOf = () => defineTopic({ name: `topic.${randomUUID()}`, payload: z.object({ id: z.number() }) });
const jobOf = (options: { version?: number; queue?: string; priority?: number; name?: string } = {}) =>
  defineJob({ name: `job.${randomUUID()}`, payload: type<{ id: number }>(), maxAttempts: 7, ...options });

test("each subscription gets a job of its own type and queue, with the payload and options of the publication", async () => {
  const topic = topicOf();
  const [plain, special] = [
    jobOf({ name: "a.plain" }),
    jobOf({ name: "b.special", queue: "own", priority: 2, version: 3 }),
  ];
  await admin.subscribe(topic, special);
  await admin.subscribe(topic, plain);
  const options = { delayMs: 60_000, headers: { trace: "1" }, partitionKey: "p", uniqueKey: "u" };
  const first = await committed(queue, (tx) => queue.verbs.publish(tx, topic, { id: 1 }, options));
  expect(first).toEqual([
    { name: "a.plain", queue: "default", id: expect.any(String), created: true, state: "scheduled" },
    { name: "b.special", queue: "own", id: expect.any(String), created: true, state: "scheduled" },
  ]);
  const stored = await queue.query(
    `select name, queue, version, priority, max_attempts, payload, headers, partition_key, unique_key
     from pillion.job where id = any ($1) order by name`,
    [first.map(({ id }) => id)],
  );
  const same = {
    max_attempts: 7,
    payload: { id: 1 },
    headers: { trace: "1" },
    partition_key: "p",
    unique_key: "u",
  };
  expect(stored).toEqual([
    { name: "a.plain", queue: "default", version: 1, priority: 0, ...same },
    { name: "b.special", queue: "own", version: 3, priority: 2, ...same },
  ]);
  const again = await committed(queue, (tx) => queue.verbs.publish(tx, topic, { id: 1 }, options));
  expect(again).toEqual(first.map((answer) => ({ ...answer, created: false })));
});

test("a publication is run by the workers of its subscribers", async () => {
  const topic = topicOf();
  const job = jobOf();
  await admin.subscribe(topic, job);
  const [published] = await admin.publish(topic, { id: 7 });
  const seen: unknown[] = [];
  const handlers = [handle(job, ({ payload, id }) => void seen.push([payload, id]))];
  await createWorker({ database: queue.pool, schema: queue.schema, handlers }).runOnce();
  expect(seen).toEqual([[{ id: 7 }, published!.id]]);
});

test("a topic without subscribers answers an empty list, and so does one that nobody subscribes to any more", async () => {
  const topic = topicOf();
  const job = jobOf();
  await committed(queue, async (tx) => expect(await queue.verbs.publish(tx, topic, { id: 1 })).toEqual([]));
  await admin.subscribe(topic, job);
  expect(await admin.unsubscribe(topic, job)).toBe(true);
  expect(await admin.unsubscribe(topic, job)).toBe(false);
  expect(await admin.publish(topic, { id: 1 })).toEqual([]);
});

test("a newer version of a job type takes over a subscription, and an older one does not take it back", async () => {
  const topic = topicOf();
  const name = `job.${randomUUID()}`;
  const [old, fresh] = [jobOf({ name }), jobOf({ name, version: 2, queue: "second" })];
  for (const job of [old, fresh, old]) await admin.subscribe(topic, job);
  expect((await admin.publish(topic, { id: 1 })).map((job) => job.queue)).toEqual(["second"]);
});

test("a subscription that is there already is not written again", async () => {
  const topic = topicOf();
  const job = jobOf();
  const row = () =>
    queue.query("select xmin::text, ctid::text from pillion.subscription where topic = $1", [topic.name]);
  await admin.subscribe(topic, job);
  const before = await row();
  await admin.subscribe(topic, job);
  expect(await row()).toEqual(before);
});

test("a payload that the topic's schema refuses is refused by the topic's name, before anything is sent", async () => {
  const topic = topicOf();
  const tx = await queue.begin();
  const before = queue.sent.length;
  await expect(queue.verbs.publish(tx, topic, { id: "7" } as never)).rejects.toMatchObject({
    code: "INVALID_JOB",
    message: expect.stringContaining(`Topic "${topic.name}": its payload is not valid: payload.id:`),
    issues: [{ path: ["id"] }],
  });
  expect(queue.sent.length).toBe(before);
});

test.each<[what: string, definition: unknown, message: string]>([
  ["nothing", undefined, "defineTopic takes one object: { name, payload }."],
  ["no name", { payload: type() }, "The name of a topic is undefined, not a text."],
  [
    "an unknown option",
    { name: "t", payload: type(), queue: "q" },
    'The definition of topic "t" has the unknown option "queue".',
  ],
  [
    "no schema",
    { name: "t" },
    'The definition of topic "t": payload is not a Standard Schema. Pass one (Zod, Valibot, ArkType …), or type<T>().',
  ],
])("a topic with %s is refused", (_, definition, message) => {
  expect(() => defineTopic(definition as never)).toThrow(message);
});
