import { inspect } from "node:util";
import { type CodecError, defineEvent, definitionsWith, isEncrypted, subscribe } from "@pillion/core";
import { reveal } from "@pillion/core/admin";
import { aesGcm } from "@pillion/core/encryption";
import { testingOf } from "@pillion/core/testing";
import { createClaimer, createWorker, handle, handleMany, schedule } from "@pillion/core/worker";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { withSavepoints } from "../testing/with-savepoints.ts";
import { listeningLogger, type TestQueue, testQueue, until } from "../worker/queue.ts";
import { key } from "./keys.ts";

// What is secret here is never in a header or a key: those are clear.
const secret = "hunter2-the-secret";
const codec = aesGcm({ current: "2026-11", keys: { "2026-11": key(1) } });
const { defineJob, defineEvent: defineSecretEvent, defineTopic } = definitionsWith({ codec });
const payload = z.strictObject({ secret: z.string().refine((text) => text.length < 100, { error: quote }) });
function quote({ input }: { input?: unknown }) {
  return `not ${String(input)}`;
}
const backoff = { type: "fixed", delayMs: 1 } as const;
const define = (name: string, maxAttempts = 2) =>
  defineJob({ name, payload, result: z.object({ got: z.string() }), maxAttempts, backoff });

let queue: TestQueue;
beforeAll(async () => {
  queue = await testQueue();
});
afterAll(() => queue.drop());

/** Every column of every table of the schema, the partitions' too. */
async function allRows(): Promise<string> {
  const tables = await queue.query(
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = $1",
    [queue.schema],
  );
  const rows = await Promise.all(
    tables.map(({ name }) => queue.query(`select row_to_json(t)::text as row from ${name} t`)),
  );
  return rows
    .flat()
    .map(({ row }) => row)
    .join("\n");
}

/** All that a log, a console or an error tracker would print of it. */
const printed = (error: unknown) =>
  inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error) + String((error as Error).stack);

const refused = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => expect.unreachable("was not refused"),
    (error) => printed(error),
  );

test("a secret is in no row, error, log line or event, by whichever way it is enqueued and whatever comes of it", async () => {
  const verbs = withSavepoints("test", queue.schema);
  const child = define("child");
  const plain = define("plain");
  const parent = define("parent");
  const effects = define("effects");
  const failing = define("failing");
  const happened = defineSecretEvent({ name: "happened", payload });
  const placed = defineTopic({ name: "placed", payload });
  const got: unknown[] = [];
  const log = listeningLogger();
  const told: unknown[] = [];
  class Odd extends Error {
    code = secret;
  }
  const worker = createWorker({
    database: queue.pool,
    schema: queue.schema,
    logger: log,
    pollMs: 20,
    subscriptions: [subscribe(placed, plain)],
    handlers: [
      handle(plain, async (job) => {
        got.push(job.payload);
        return { got: job.payload.secret };
      }),
      handle(child, async (job) => ({ got: job.payload.secret })),
      handle(parent, async (job) => {
        const { secret: event } = await job.waitForEvent(happened("k"));
        const answer = await job.step("work", () => ({ said: event }));
        const again = await job
          .step("fails", () => {
            throw new Error(`no ${answer.said}`);
          })
          .catch((error) => String(error));
        expect(again).toContain(`no ${secret}`);
        const results = await job.run([child({ secret: answer.said }), child({ secret: event })]);
        got.push(...results.map((result) => ({ secret: result.got })));
        return results[0];
      }),
      verbs.handle(queue.pool, effects, async (job) => {
        const { said } = await job.stepTx("writes", async () => ({ said: job.payload.secret }));
        return job.commit(async () => ({ got: said }));
      }),
      handle(failing, async (job) => {
        if (job.attempt === 1) throw Object.assign(new Odd(`cannot ${job.payload.secret}`), { name: secret });
        // What another type says of the same value.
        throw job.payload.secret;
      }),
    ],
  });
  for (const event of ["failed", "dead", "completed", "snoozed"] as const)
    worker.on(event, (about) => void told.push(about));
  onTestFinished(() => worker.stop({ graceMs: 0 }));

  const { admin } = queue;
  const given = { secret };
  const ids: string[] = [];
  const tx = await queue.pool.connect();
  try {
    await tx.query("begin");
    for (const job of [plain(given), plain(given, { uniqueKey: "k" }), failing(given), effects(given)])
      ids.push((await verbs.enqueue(tx, job)).id);
    ids.push(...(await verbs.enqueueMany(tx, [plain(given), parent(given)])).map(({ id }) => id));
    await verbs.emit(tx, happened("k"), given);
    await tx.query("commit");
  } finally {
    tx.release();
  }
  ids.push(
    (await verbs.enqueueStandalone(queue.pool, plain(given))).id,
    (await admin.enqueue(plain(given))).id,
  );
  // What an ORM sends for us, in an array of statements.
  expect(verbs.statementFor(plain(given)).values.join()).not.toContain(secret);
  expect(await allRows()).not.toContain(secret);
  await worker.start();
  const published = await admin.publish(placed, given);
  ids.push(...published.map(({ id }) => id));
  await admin.schedules.set(schedule({ name: "nightly", everyMs: 86_400_000, job: plain(given) }));
  ids.push((await admin.schedules.runNow("nightly"))!.id);
  for (const id of ids) await queue.reaches(id, "completed", "dead");

  const parentId = ids[5]!;
  expect(await admin.waitFor(parentId, parent)).toEqual({ got: secret });
  expect(await admin.waitFor(ids[3]!, effects)).toEqual({ got: secret });
  expect(got).toEqual(new Array(9).fill(given));
  const dead = await refused(admin.waitFor(ids[2]!, failing));
  const invalid = { secret: secret.repeat(10) };
  const bad = [
    await refused(admin.enqueue(plain(invalid))),
    await refused(admin.enqueue(plain({ ...given, [secret]: 1 } as never))),
    await refused(admin.enqueue(plain({ [secret]: Number.NaN } as never))),
    await refused(admin.emit(happened("other"), invalid)),
    await refused(admin.publish(placed, invalid)),
    await refused(admin.schedules.set(schedule({ name: "bad", everyMs: 1_000, job: plain(invalid) }))),
  ];
  const records = await Promise.all(ids.map((id) => admin.job(id)));
  for (const shown of [
    await allRows(),
    ...log.lines,
    JSON.stringify(told),
    JSON.stringify(records),
    dead,
    ...bad,
  ])
    expect(shown).not.toContain(secret);
  expect(log.lines.filter((line) => line.includes("failing"))).toHaveLength(2);

  const record = records[2]!;
  expect(isEncrypted(record.payload) && record.payload["pillion.key"]).toBe("2026-11");
  expect(record.attempts[0]!.error!.stack).toMatch(/^\s+at /);
  const clear = await reveal(record, failing);
  expect(clear.payload).toEqual(given);
  expect(clear.attempts.map(({ error }) => error!.message)).toEqual([`cannot ${secret}`, secret]);
  expect(
    (await reveal(records[5]!, parent)).steps.map(({ result, error }) => error?.message ?? result),
  ).toEqual(expect.arrayContaining([{ said: secret }, `no ${secret}`]));
  expect(plain.codec).toBe(codec);
});

test("tests find an encrypted job by its clear payload, and run it; their transaction holds no clear text", async () => {
  const verbs = withSavepoints("test", queue.schema);
  const { expectEnqueued, runEnqueued } = testingOf(verbs);
  const jobType = define("tested");
  const tx = await queue.pool.connect();
  try {
    await tx.query("begin");
    await verbs.enqueueMany(tx, [jobType({ secret }), jobType({ secret: "other" })]);
    expect(await expectEnqueued(tx, jobType, { secret }, { times: 1 })).toMatchObject([
      { payload: { secret } },
    ]);
    const { ran } = await runEnqueued(tx, [
      verbs.handle(queue.pool, jobType, async (job) => {
        const got = await job.stepTx("writes", () => job.payload.secret);
        if (got === "other" && job.attempt === 1) throw new Error(secret);
        return { got };
      }),
    ]).catch((error) => error);
    expect(ran).toMatchObject([{ result: { got: secret } }]);
    for (const table of ["job", "archive", "attempt", "checkpoint"]) {
      const { rows } = await tx.query(`select row_to_json(t)::text as row from ${queue.schema}.${table} t`);
      for (const { row } of rows) expect(row).not.toContain(secret);
    }
  } finally {
    await tx.query("rollback");
    tx.release();
  }
});

test("a claimer is given what was encrypted, and stores its result and its errors encrypted", async () => {
  const jobType = defineJob({ name: "claimed", payload, result: z.string(), queue: "claimed" });
  const claimer = createClaimer({
    database: queue.pool,
    schema: queue.schema,
    jobTypes: [jobType],
    logger: false,
  });
  onTestFinished(() => claimer.stop());
  const done = await queue.admin.enqueue(jobType({ secret }));
  const failed = await queue.admin.enqueue(jobType({ secret }));
  const held = await claimer.claim({ limit: 2 });
  expect(held.map((job) => job.payload)).toEqual([{ secret }, { secret }]);
  await claimer.complete(held[0]!, `result ${secret}`);
  await claimer.fail(held[1]!, new Error(secret), { discard: true });
  expect(await queue.admin.waitFor(done.id, jobType)).toBe(`result ${secret}`);
  await expect(queue.admin.waitFor(failed.id, jobType)).rejects.toMatchObject({ code: "JOB_DEAD" });
  expect(await allRows()).not.toContain(secret);
});

test("a batch of an encrypted type gets what was passed", async () => {
  const jobType = defineJob({ name: "batched", payload, queue: "batched" });
  const seen: unknown[] = [];
  const ids = await Promise.all([1, 2].map(async () => (await queue.admin.enqueue(jobType({ secret }))).id));
  const worker = createWorker({
    database: queue.pool,
    schema: queue.schema,
    logger: false,
    handlers: [
      handleMany(jobType, { maxJobs: 10 }, async (jobs) => {
        seen.push(...jobs.map((job) => [job.payload.secret, job.encrypted]));
      }),
    ],
  });
  onTestFinished(() => worker.stop({ graceMs: 0 }));
  await worker.start();
  await until(() => seen.length === ids.length);
  expect(seen).toEqual([
    [secret, true],
    [secret, true],
  ]);
});

test("an event that is stored under another key than it was waited for under is not read", async () => {
  const event = defineSecretEvent({ name: "moved", payload });
  const jobType = define("waits", 1);
  await queue.admin.emit(event("one"), { secret });
  await queue.query("update pillion.event set key = 'two' where name = 'moved'");
  let error: unknown;
  const worker = createWorker({
    database: queue.pool,
    schema: queue.schema,
    logger: false,
    handlers: [
      handle(jobType, async (job) => {
        await job.waitForEvent(event("two")).catch((thrown: CodecError) => {
          error = thrown;
          throw thrown;
        });
        return { got: "" };
      }),
    ],
  });
  onTestFinished(() => worker.stop({ graceMs: 0 }));
  await worker.start();
  const { id } = await queue.admin.enqueue(jobType({ secret }));
  await queue.reaches(id, "dead");
  expect(error).toMatchObject({ code: "CODEC_FAILED", keyId: "2026-11", retryable: false });
  expect(defineEvent({ name: "clear", payload }).codec).toBeUndefined();
});
