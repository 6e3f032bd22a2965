import { randomUUID } from "node:crypto";
import { defineJob, type } from "@pillion/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type OwnQueue, ownQueue } from "../own-queue.ts";
import { committed } from "./committed.ts";
import { listener, runningJob } from "./heard.ts";

let queue: OwnQueue;
beforeAll(async () => {
  queue = await ownQueue("cancel");
});
afterAll(() => queue.drop());

const jobType = () => defineJob({ name: `job.${randomUUID()}`, payload: type<unknown>() });
const none = { ids: [], next: null };

test("a waiting job ends as cancelled, and its unique key is free", async () => {
  const job = jobType();
  const key = { uniqueKey: "k", delayMs: 60_000 };
  const { verbs } = queue;
  const first = await committed(queue, (tx) => verbs.enqueue(tx, job(1, key)));
  const second = await committed(queue, async (tx) => {
    expect(await verbs.cancel(tx, { name: job, uniqueKey: "k" })).toEqual({ ids: [first.id], next: null });
    return verbs.enqueue(tx, job(2, key));
  });
  expect(second.created).toBe(true);
  const archived = await queue.query(
    "select state, payload, started_at, finished_at <= now() as over from pillion.archive where id = $1",
    [first.id],
  );
  expect(archived).toEqual([{ state: "cancelled", payload: 1, started_at: null, over: true }]);
  expect(await queue.query("select from pillion.attempts where job = $1", [first.id])).toEqual([]);
});

test("a running job is marked, and its worker is told at COMMIT, once, and not before", async () => {
  const ids = [await runningJob(queue, "run.a", 11), await runningJob(queue, "run.b", 11)];
  const ears = await listener(queue);
  const tx = await queue.begin();
  expect(await queue.verbs.cancel(tx, { ids })).toEqual({ ids, next: null });
  expect(await queue.verbs.cancel(tx, { ids })).toEqual(none);
  expect(await ears.all()).toEqual([]);
  await tx.query("commit");
  expect(await ears.all()).toEqual(["11"]);
  const marked = await queue.query(
    "select state, cancelled_at is not null as marked from pillion.job where id = any ($1)",
    [ids],
  );
  expect(marked).toEqual(Array(2).fill({ state: "running", marked: true }));
});

test("a cancel that rolls back tells no worker, and marks nothing", async () => {
  const id = await runningJob(queue, "run.c", 12);
  const ears = await listener(queue);
  const tx = await queue.begin();
  await queue.verbs.cancel(tx, id);
  await tx.query("rollback");
  expect(await ears.all()).toEqual([]);
  expect(await queue.query("select cancelled_at from pillion.job where id = $1", [id])).toEqual([
    { cancelled_at: null },
  ]);
});

test("prepared transactions take the verbs, and tell nobody: NOTIFY would forbid them", async () => {
  const id = await runningJob(queue, "run.d", 13);
  const other = await committed(queue, (tx) => queue.verbs.enqueue(tx, jobType()(1, { delayMs: 60_000 })));
  const ears = await listener(queue);
  const tx = await queue.begin();
  await queue.verbs.cancel(tx, id);
  await queue.verbs.reschedule(tx, other.id, { delayMs: 0 });
  const [allowed] = await queue.query("select current_setting('max_prepared_transactions')::int as at_most");
  const prepare = `prepare transaction '${queue.schema}'`;
  if (Number(allowed!.at_most) === 0) {
    await expect(tx.query(prepare)).rejects.toMatchObject({ code: "55000" });
    return;
  }
  await tx.query(prepare);
  await queue.query(`commit prepared '${queue.schema}'`);
  expect(await ears.all()).toEqual([]);
  expect(
    await queue.query("select state from pillion.job where id = $1 or id = $2 and cancelled_at is not null", [
      other.id,
      id,
    ]),
  ).toHaveLength(2);
});

test("what has ended, and what never was, is not in the answer", async () => {
  const { id } = await committed(queue, (tx) => queue.verbs.enqueue(tx, jobType()(1)));
  await committed(queue, async (tx) => {
    expect((await queue.verbs.cancel(tx, id)).ids).toEqual([id]);
    expect(await queue.verbs.cancel(tx, id)).toEqual(none);
    expect(await queue.verbs.cancel(tx, "999999999")).toEqual(none);
    expect(await queue.verbs.cancel(tx, { queue: "nobody's" })).toEqual(none);
    expect(await queue.verbs.cancel(tx, { ids: [] })).toEqual(none);
  });
});

test("each property narrows a filter, and all of them must hold", async () => {
  const [job, other] = [jobType(), jobType()];
  const options = { queue: "narrow", partitionKey: "p", uniqueKey: "u", headers: { a: { b: 1 }, c: 2 } };
  const [one, , , later] = await committed(queue, (tx) =>
    queue.verbs.enqueueMany(tx, [
      job(1, options),
      job(2, { queue: "narrow" }),
      other(3, options),
      job(4, { ...options, uniqueKey: "v", delayMs: 60_000 }),
    ]),
  );
  const all = { name: job, queue: "narrow", partitionKey: "p", headers: { a: { b: 1 } } };
  const tx = await queue.begin();
  const found = async (filter: Parameters<OwnQueue["verbs"]["cancel"]>[1]) => {
    await tx.query("savepoint s");
    const { ids } = await queue.verbs.cancel(tx, filter);
    await tx.query("rollback to savepoint s");
    return ids;
  };
  expect(await found(all)).toEqual([one!.id, later!.id]);
  expect(await found({ ...all, state: "scheduled" })).toEqual([later!.id]);
  expect(await found({ ...all, state: ["ready", "running"] })).toEqual([one!.id]);
  expect(await found({ ...all, uniqueKey: "v" })).toEqual([later!.id]);
  expect(await found({ ...all, after: one!.id })).toEqual([later!.id]);
  expect(await found({ ...all, ids: [one!.id] })).toEqual([one!.id]);
  expect(await found({ ...all, headers: { a: { b: 2 } } })).toEqual([]);
  expect(await found({ ...all, state: "dead" })).toEqual([]);
});

test("a filter takes its first 10,000 jobs, and says how to go on", async () => {
  await queue.query(
    "insert into pillion.job (name, queue, payload) select 'many', 'many', '1' from generate_series(1, 10001)",
  );
  const tx = await queue.begin();
  const first = await queue.verbs.cancel(tx, { queue: "many" });
  expect(first.ids).toHaveLength(10_000);
  expect(first.next).toBe(first.ids.at(-1));
  const rest = await queue.verbs.cancel(tx, { queue: "many", after: first.next! });
  expect(rest.ids).toHaveLength(1);
  expect(rest.next).toBe(null);
});

test("rows are locked in the order of their ids, wherever they lie", async () => {
  const job = jobType();
  const jobs = await committed(queue, (tx) => queue.verbs.enqueueMany(tx, [job(1), job(2), job(3)]));
  const [first, second, third] = jobs.map(({ id }) => id);
  await queue.query("update pillion.job set priority = 1 where id = $1", [first]);
  const holder = await queue.begin();
  await queue.query("select from pillion.job where id = $1 for update", [second], holder);
  const tx = await queue.begin();
  const [pid] = (await tx.query("select pg_backend_pid() as pid")).rows;
  const cancelled = queue.verbs.cancel(tx, { name: job });
  const waits = "select from pg_stat_activity where pid = $1 and wait_event_type = 'Lock'";
  while ((await queue.query(waits, [pid.pid])).length === 0) await new Promise(setImmediate);
  const free = await queue.query(
    "select id::text from pillion.job where name = $1 order by id for update skip locked",
    [job.name],
  );
  expect(free).toEqual([{ id: third }]);
  await holder.query("commit");
  expect((await cancelled).ids).toEqual([first, second, third]);
  await tx.query("commit");
});

test("a filter that names nothing, or something unknown, is refused in SQL too", async () => {
  for (const filter of ["{}", "null", '{"queue": null}', '{"after": "1"}', '{"quue": "mail"}', "[]"])
    await expect(queue.query("select pillion.cancel($1)", [filter])).rejects.toMatchObject({
      code: "22023",
      message: expect.stringMatching(
        /^pillion: the filter (names no property|has the unknown property "quue")/,
      ),
    });
});
