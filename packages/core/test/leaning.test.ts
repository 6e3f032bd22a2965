import { defineJob, type EnqueueOptions, type } from "@pillion/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type OwnQueue, ownQueue } from "./own-queue.ts";

let queue: OwnQueue;
beforeAll(async () => {
  queue = await ownQueue("leaning");
});
afterAll(() => queue.drop());

test.each<[string, EnqueueOptions]>([
  ["keep", {}],
  ["debounce", { onConflict: "debounce" }],
  ["throttle", { onConflict: "throttle" }],
])(
  "a worker that went to sleep while a duplicate held the waiting job is woken by its COMMIT: %s",
  async (name, options) => {
    const job = defineJob({ name, payload: type<number>(), queue: name });
    const first = await queue.begin();
    await queue.verbs.enqueue(first, job(1, { uniqueKey: "k" }));
    await first.query("commit");
    const tx = await queue.begin();
    const answer = await queue.verbs.enqueue(tx, job(2, { uniqueKey: "k", ...options }));
    expect(answer.created).toBe(false);
    // What a worker does that goes to sleep.
    const worker = await queue.connect();
    const [{ oid } = {}] = await queue.query("select 'pillion.job'::regclass::oid::int4 as oid");
    await worker.query(`listen pillion_${oid}`);
    await worker.query("select pg_advisory_lock($1, hashtext($2))", [oid, name]);
    const woken = new Promise((resolve) => worker.once("notification", ({ payload }) => resolve(payload)));
    await tx.query("commit");
    expect(await woken).toBe(name);
  },
);
