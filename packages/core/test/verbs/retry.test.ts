import { randomUUID } from "node:crypto";
import { defineJob, type } from "@pillion/core";
import { type Admin, createAdmin } from "@pillion/core/admin";
import { createWorker, handle } from "@pillion/core/worker";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type OwnQueue, ownQueue } from "../own-queue.ts";
import { committed } from "./committed.ts";

let queue: OwnQueue;
let admin: Admin;
beforeAll(async () => {
  queue = await ownQueue("retry");
  admin = createAdmin({ database: queue.pool, schema: queue.schema });
});
afterAll(() => queue.drop());

const jobType = (maxAttempts: number) =>
  defineJob({ name: `job.${randomUUID()}`, payload: type<unknown>(), maxAttempts });

/** Runs what is ready; the handler fails as often as it is told. */
async function run(job: ReturnType<typeof jobType>, outcome: "fails" | "succeeds") {
  const worker = createWorker({
    database: queue.pool,
    schema: queue.schema,
    logger: false,
    handlers: [
      handle(job, () => {
        if (outcome === "fails") throw new Error("no");
        return "yes";
      }),
    ],
  });
  await worker.runOnce();
}

test("a dead job comes back under its id with one more attempt, and every attempt stays on record", async () => {
  const job = jobType(1);
  const { id } = await committed(queue, (tx) =>
    queue.verbs.enqueue(tx, job(1, { priority: 3, headers: { a: 1 } })),
  );
  await run(job, "fails");
  const before = (await admin.job(id))!;
  expect(before.state).toBe("dead");
  expect(await committed(queue, (tx) => queue.verbs.retry(tx, id))).toEqual({ ids: [id], next: null });
  expect(await admin.job(id)).toMatchObject({
    state: "ready",
    attempt: 1,
    maxAttempts: 2,
    priority: 3,
    headers: { a: 1 },
  });
  await run(job, "succeeds");
  const after = (await admin.job(id))!;
  expect(after.state).toBe("completed");
  expect(after.createdAt).toEqual(before.createdAt);
  expect(after.attempts.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
    [1, "dead"],
    [2, "completed"],
  ]);
  expect(after.attempts[0]).toEqual(before.attempts[0]);
});

test("a filter takes what has failed; the completed and the cancelled have to be asked for", async () => {
  const [done, failing, delayed] = [jobType(1), jobType(3), jobType(3)];
  const headers = { of: randomUUID() };
  const [completed, failed, untried, cancelled] = await committed(queue, (tx) =>
    queue.verbs.enqueueMany(tx, [
      done(1, { headers }),
      failing(1, { headers }),
      delayed(1, { headers, delayMs: 60_000 }),
      delayed(2, { headers }),
    ]),
  );
  await committed(queue, (tx) => queue.verbs.cancel(tx, cancelled!.id));
  await run(done, "succeeds");
  await run(failing, "fails");
  expect(await committed(queue, (tx) => queue.verbs.retry(tx, { headers }))).toEqual({
    ids: [failed!.id],
    next: null,
  });
  expect(await admin.job(failed!.id)).toMatchObject({ state: "ready", attempt: 1, maxAttempts: 3 });
  expect(await admin.job(untried!.id)).toMatchObject({ state: "scheduled" });
  const ended = { headers, state: ["completed", "cancelled"] } as const;
  expect((await committed(queue, (tx) => queue.verbs.retry(tx, ended))).ids).toEqual([
    completed!.id,
    cancelled!.id,
  ]);
  expect(await admin.job(completed!.id)).toMatchObject({
    state: "ready",
    attempt: 1,
    maxAttempts: 2,
    result: null,
  });
  expect(await admin.job(cancelled!.id)).toMatchObject({ state: "ready", attempt: 0, maxAttempts: 3 });
});

test("a job that comes back is in no newer job's way, and leaves it its key", async () => {
  const job = jobType(1);
  const key = { uniqueKey: "k" };
  const old = await committed(queue, (tx) => queue.verbs.enqueue(tx, job(1, key)));
  await run(job, "fails");
  const newer = await committed(queue, (tx) => queue.verbs.enqueue(tx, job(2, key)));
  expect(newer.created).toBe(true);
  expect((await committed(queue, (tx) => queue.verbs.retry(tx, old.id))).ids).toEqual([old.id]);
  const third = await committed(queue, (tx) => queue.verbs.enqueue(tx, job(3, key)));
  expect(third).toMatchObject({ id: newer.id, created: false });
  expect(
    await queue.query("select id::text from pillion.job where name = $1 order by id", [job.name]),
  ).toEqual([{ id: old.id }, { id: newer.id }]);
});

test("of two transactions that bring the same job back, one does", async () => {
  const job = jobType(1);
  const { id } = await committed(queue, (tx) => queue.verbs.enqueue(tx, job(1)));
  await committed(queue, (tx) => queue.verbs.cancel(tx, id));
  const [first, second] = [await queue.begin(), await queue.begin()];
  expect((await queue.verbs.retry(first, id)).ids).toEqual([id]);
  const waiting = queue.verbs.retry(second, id);
  await first.query("commit");
  expect((await waiting).ids).toEqual([]);
  await second.query("commit");
  expect(await queue.query("select from pillion.job where id = $1", [id])).toHaveLength(1);
});

test("a dead job that holds up its key stands where it stood again, or is given up", async () => {
  const job = jobType(1);
  const options = { queue: "strict", partitionKey: "p" };
  const enqueued = await committed(queue, (tx) =>
    queue.verbs.enqueueMany(tx, [job(1, options), job(2, options), job(3, options)]),
  );
  const [first, second, third] = enqueued.map(({ id }) => id) as [string, string, string];
  const blocked = () => queue.query("select job::text from pillion.blocked_key");
  const die = async (id: string) => {
    await committed(queue, (tx) => queue.verbs.cancel(tx, id));
    await queue.query("update pillion.archive set state = 'dead' where id = $1", [id]);
    await queue.query(
      "insert into pillion.blocked_key (queue, partition_key, job, position) values ('strict', 'p', $1, 0)",
      [id],
    );
  };
  await die(first);
  await committed(queue, (tx) => queue.verbs.retry(tx, first));
  const line = await queue.query("select id::text from pillion.job where name = $1 order by position", [
    job.name,
  ]);
  expect(line.map(({ id }) => id)).toEqual([first, second, third]);
  expect(await blocked()).toEqual([]);
  await die(first);
  expect(await committed(queue, (tx) => queue.verbs.cancel(tx, { queue: "strict", state: "dead" }))).toEqual({
    ids: [first],
    next: null,
  });
  expect(await blocked()).toEqual([]);
  expect((await admin.job(first))!.state).toBe("cancelled");
});
