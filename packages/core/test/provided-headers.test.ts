import { AsyncLocalStorage } from "node:async_hooks";
import { defineJob, defineTopic, type HeaderSource, provideHeaders, type } from "@pillion/core";
import { createAdmin } from "@pillion/core/admin";
import { schedule } from "@pillion/core/worker";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type OwnQueue, ownQueue } from "./own-queue.ts";

let queue: OwnQueue;
beforeAll(async () => {
  queue = await ownQueue("headers");
});
afterAll(() => queue.drop());

const provided = (source: HeaderSource) => {
  const end = provideHeaders(source);
  onTestFinished(end);
  return end;
};
const headersOf = async (name: string) =>
  (await queue.query("select headers from pillion.job where name = $1 order by id", [name])).map(
    ({ headers }) => headers,
  );

test("every way to enqueue carries what is provided at that moment, under the job's own headers", async () => {
  const tenants = new AsyncLocalStorage<{ tenant: string }>();
  provided(() => tenants.getStore());
  const mail = defineJob({ name: "mail.send", payload: type<null>() });
  const placed = defineTopic({ name: "order.placed", payload: type<null>() });
  const admin = createAdmin({ database: queue.pool, schema: queue.schema });
  await admin.subscribe(placed, mail);
  const tx = await queue.begin();
  await tenants.run({ tenant: "7" }, async () => {
    await queue.verbs.enqueue(tx, mail(null));
    await queue.verbs.enqueue(tx, mail(null, { headers: { tenant: "8", other: 1 } }));
    await queue.verbs.enqueue(tx, mail(null, { uniqueKey: "1" }));
    await queue.verbs.enqueueMany(tx, [mail(null), mail(null)]);
    await queue.verbs.publish(tx, placed, null);
    await queue.verbs.enqueueStandalone(queue.pool, mail(null));
    await admin.schedules.set(schedule({ name: "daily", everyMs: 86_400_000, job: mail(null) }));
  });
  await queue.verbs.enqueue(tx, mail(null));
  await tx.query("commit");
  const seven = { tenant: "7" };
  expect(await headersOf("mail.send")).toEqual([
    seven,
    { tenant: "8", other: 1 },
    seven,
    seven,
    seven,
    expect.objectContaining(seven),
    seven,
    null,
  ]);
  expect(await queue.query("select headers from pillion.schedule")).toEqual([{ headers: seven }]);
});

test("of two sources the later one wins, and one that was taken back provides nothing", async () => {
  const note = defineJob({ name: "note", payload: type<null>() });
  provided(() => ({ a: 1, b: 1 }));
  const end = provided(() => ({ b: 2 }));
  const tx = await queue.begin();
  await queue.verbs.enqueue(tx, note(null));
  end();
  await queue.verbs.enqueue(tx, note(null));
  await tx.query("commit");
  expect(await headersOf("note")).toEqual([
    { a: 1, b: 2 },
    { a: 1, b: 1 },
  ]);
});

test("a source that throws, or provides what JSON cannot carry, fails the enqueue by the job's name, and nothing is sent", async () => {
  const bad = defineJob({ name: "bad", payload: type<null>() });
  const tx = await queue.begin();
  const end = provided(() => {
    throw new RangeError("no tenant here");
  });
  await expect(queue.verbs.enqueue(tx, bad(null))).rejects.toMatchObject({
    code: "INVALID_JOB",
    message: expect.stringContaining('Job "bad": what provides its headers threw: no tenant here'),
  });
  end();
  provided(() => ({ at: new Date() }));
  await expect(queue.verbs.enqueue(tx, bad(null))).rejects.toMatchObject({
    code: "INVALID_JOB",
    message: expect.stringContaining("headers"),
  });
  await tx.query("commit");
  expect(await headersOf("bad")).toEqual([]);
});
