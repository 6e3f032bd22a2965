import { defineJob, type Job, type } from "@pillion/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type OwnQueue, ownQueue } from "./own-queue.ts";

let queue: OwnQueue;
beforeAll(async () => {
  queue = await ownQueue("calls");
});
afterAll(() => queue.drop());

const mail = defineJob({ name: "mail.send", payload: type<unknown>() });
const mending = "Make one by calling a job type: enqueue(tx, sendInvoice({ orderId: 1 })).";

test.each<[what: string, handle: unknown, message: string]>([
  ["nothing", undefined, "got nothing (undefined)"],
  ["null", null, "got null"],
  ["a number", 7, "got a number (7)"],
  ["a text", "tx", "got a string (tx)"],
  ["an empty object", {}, "got an object that is no transaction"],
  ["a promise of a transaction", Promise.resolve({}), "got a promise: await it first"],
  ["a function", () => {}, "got a function"],
  ["the job", mail(1), "got a job, which comes second: the transaction is the first argument"],
  ["the job type", mail, "got a job, which comes second: the transaction is the first argument"],
])(
  "%s in place of the transaction is refused by name, before anything is sent",
  async (_, handle, message) => {
    const before = queue.sent.length;
    await expect(queue.verbs.enqueue(handle as never, mail(1))).rejects.toMatchObject({
      code: "NOT_IN_TRANSACTION",
      jobName: "mail.send",
      message: `test enqueue of job "mail.send": ${message}. Pass a client on which BEGIN has succeeded. Nothing was sent to the database.`,
    });
    await expect(queue.verbs.enqueueMany(handle as never, [mail(1)])).rejects.toMatchObject({
      code: "NOT_IN_TRANSACTION",
      message: expect.stringContaining(message),
    });
    expect(queue.sent.length).toBe(before);
  },
);

test("an ambient transaction outside any is refused before anything is sent, with its function's error as the cause", async () => {
  const before = queue.sent.length;
  const outside = (how: string) =>
    `called outside a transaction: the function given to ambient ${how}. Call it inside one, where that function ` +
    "answers a client on which BEGIN has succeeded. Nothing was sent to the database.";
  const none = queue.verbs.ambient(() => undefined);
  await expect(queue.verbs.enqueue(none, mail(1))).rejects.toMatchObject({
    code: "NOT_IN_TRANSACTION",
    jobName: "mail.send",
    message: `test enqueue of job "mail.send": ${outside("answered nothing (undefined)")}`,
  });
  const cause = new Error("no context");
  const throwing = queue.verbs.ambient(() => {
    throw cause;
  });
  await expect(queue.verbs.pause(throwing, "mail")).rejects.toMatchObject({
    code: "NOT_IN_TRANSACTION",
    message: `test pause of queue "mail": ${outside('threw "no context"')}`,
    cause,
  });
  expect(() => queue.verbs.ambient({} as never)).toThrow(
    "test ambient: got an object that is no transaction. It takes a function that each call asks for the transaction " +
      "that is open there: ambient(() => tx).",
  );
  expect(queue.sent.length).toBe(before);
});

test.each<[what: string, job: unknown, message: string]>([
  ["nothing", undefined, `Got undefined where a job is wanted. ${mending}`],
  ["null", null, `Got null where a job is wanted. ${mending}`],
  ["a text", "mail.send", `Got "mail.send" where a job is wanted. ${mending}`],
  ["a plain object", { name: "mail.send", payload: 1 }, `Got an object where a job is wanted. ${mending}`],
  ["a promise of a job", Promise.resolve(mail(1)), "Got a promise where a job is wanted. Await it first."],
  [
    "an array of jobs",
    [mail(1)],
    "Got an array where a job is wanted. For several jobs, call enqueueMany(tx, jobs).",
  ],
  [
    "a job type",
    mail,
    'The job type "mail.send" was passed instead of a job. Call it with a payload: mail.send({ … }).',
  ],
])("%s in place of the job is refused by name, and the transaction goes on", async (_, job, message) => {
  const tx = await queue.begin();
  const before = queue.sent.length;
  await expect(queue.verbs.enqueue(tx, job as Job)).rejects.toMatchObject({ code: "INVALID_JOB", message });
  expect(queue.sent.length).toBe(before);
  expect(await queue.verbs.enqueue(tx, mail(1))).toMatchObject({ created: true });
});

test.each<[what: string, jobs: unknown, message: string]>([
  ["nothing", undefined, "and got undefined."],
  ["one job", mail(1), "and got one job."],
  ["a promise of jobs", Promise.resolve([mail(1)]), "and got a promise."],
  ["a text", "ab", 'and got "ab".'],
  ["an object", {}, "and got an object."],
])("%s in place of the jobs is refused by name, before anything is sent", async (_, jobs, message) => {
  const tx = await queue.begin();
  const before = queue.sent.length;
  await expect(queue.verbs.enqueueMany(tx, jobs as never)).rejects.toMatchObject({
    code: "INVALID_JOB",
    message: `enqueueMany takes an array or an (async) iterable of jobs, ${message}`,
  });
  expect(queue.sent.length).toBe(before);
  await tx.query("select 1");
});

test("one bad job in an array refuses all of them, and says which it is", async () => {
  const tx = await queue.begin();
  const before = queue.sent.length;
  await expect(queue.verbs.enqueueMany(tx, [mail(1), mail(Number.NaN), mail(2)])).rejects.toThrow(
    'Job "mail.send" at index 1 of the batch: its payload is NaN, which JSON cannot carry.',
  );
  await expect(queue.verbs.enqueueMany(tx, [mail(1), undefined as never])).rejects.toThrow(
    `Got undefined at index 1 of the batch where a job is wanted. ${mending}`,
  );
  expect(queue.sent.length).toBe(before);
  await tx.query("commit");
  expect(await queue.names()).toEqual([]);
});

test("no jobs are no statement: the answer is an empty array", async () => {
  const tx = await queue.begin();
  const before = queue.sent.length;
  expect(await queue.verbs.enqueueMany(tx, [])).toEqual([]);
  expect(await queue.verbs.enqueueMany(tx, new Set())).toEqual([]);
  expect(await queue.verbs.enqueueMany(tx, (async function* () {})())).toEqual([]);
  expect(queue.sent.length).toBe(before);
});

test("enqueueStandalone takes the root client alone, and says so", async () => {
  const tx = await queue.begin();
  const before = queue.sent.length;
  await expect(queue.verbs.enqueueStandalone(tx as never, mail(1))).rejects.toMatchObject({
    code: "INVALID_CONFIGURATION",
    message:
      'test enqueueStandalone of job "mail.send": got a pg Client (@pillion/pg). It takes the root client, outside any transaction; inside one, call enqueue(tx, job).',
  });
  await expect(queue.verbs.enqueueStandalone(undefined as never, undefined as never)).rejects.toThrow(
    "test enqueueStandalone: got nothing (undefined).",
  );
  await expect(queue.verbs.enqueueStandalone(queue.pool, mail as never)).rejects.toMatchObject({
    code: "INVALID_JOB",
  });
  expect(queue.sent.length).toBe(before);
});
