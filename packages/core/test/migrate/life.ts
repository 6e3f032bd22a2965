import {
  DiscardError,
  defineEvent,
  defineJob,
  defineTopic,
  RetryError,
  subscribe,
  type,
} from "@pillion/core";
import { defineAdapter } from "@pillion/core/adapter";
import { createClaimer, createWorker, type HeldJob, handle, schedule } from "@pillion/core/worker";
import type pg from "pg";

const job = (name: string, queue = "default") =>
  defineJob({ name, queue, payload: type<number>(), maxAttempts: 2 });
const plain = job("plain");
const failing = job("failing");
const discarded = job("discarded");
const snoozed = job("snoozed");
const written = job("written");
const committed = job("committed");
const durable = job("durable");
const claimed = job("claimed", "claimed");
const paid = defineEvent({ name: "paid", payload: type<number>() });
const ordered = defineTopic({ name: "ordered", payload: type<number>() });

const hourMs = 3_600_000;

const verbs = defineAdapter<pg.ClientBase, pg.Pool>({
  name: "pg",
  expects: "a client on which BEGIN has succeeded",
  handleLives: "connection",
  inTransaction: (client) => "escapeIdentifier" in client,
  isClient: (handle) => "totalCount" in handle,
  run: async (handle, { text, values }) => (await handle.query({ text, values: [...values] })).rows,
  transaction: (pool, _, fn) => inTransaction(pool, fn),
});

async function inTransaction<T>(pool: pg.Pool, fn: (tx: pg.ClientBase) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  await client.query("begin");
  const result = await fn(client);
  await client.query("commit");
  client.release();
  return result;
}

/** An error that does not tell where it was thrown, which is another place on each machine. */
const anywhere = (error: Error) => Object.assign(error, { stack: String(error) });

/** What an application does with its queue: every kind of enqueue, and every verb that takes a transaction. */
export async function apply(pool: pg.Pool): Promise<void> {
  const { id } = await inTransaction(pool, async (tx) => {
    for (const each of [plain, failing, discarded, snoozed, written, committed, durable])
      await verbs.enqueue(tx, each(1));
    await verbs.enqueue(
      tx,
      plain(2, { uniqueKey: "one", partitionKey: "p", priority: 2, headers: { tenant: "7" } }),
    );
    await verbs.enqueue(tx, plain(3, { uniqueKey: "one" }));
    await verbs.enqueue(tx, plain(4, { uniqueKey: "period", uniqueUntil: { periodMs: hourMs } }));
    await verbs.enqueue(tx, plain(5, { uniqueKey: "last", delayMs: hourMs, onConflict: "debounce" }));
    await verbs.enqueue(tx, plain(6, { uniqueKey: "last", delayMs: hourMs, onConflict: "debounce" }));
    await verbs.enqueueMany(tx, [
      plain(7, { runAt: new Date("2099-01-01T00:00:00Z") }),
      plain(8, { uniqueKey: "one" }),
      plain(9, { startBefore: new Date("2099-01-01T00:00:00Z") }),
    ]);
    await verbs.enqueueMany(
      tx,
      [1, 2, 3, 4, 5].map((order) => claimed(order)),
    );
    await verbs.publish(tx, ordered, 1);
    return verbs.enqueue(tx, plain(10, { delayMs: hourMs }));
  });
  await inTransaction(pool, async (tx) => {
    await verbs.reschedule(tx, id, { delayMs: 2 * hourMs });
    await verbs.cancel(tx, { headers: { tenant: "8" } });
    await verbs.cancel(tx, id);
    await verbs.pause(tx, "late");
    await verbs.resume(tx, "late");
    await verbs.idempotent(tx, ["order", "1"], async () => 1);
    await verbs.idempotent(tx, ["order", "1"], async () => 2);
  });
  await verbs.enqueueStandalone(pool, plain(11));
  await pool.query("select id::text from pillion.enqueue('plain', '12', '{\"uniqueKey\": \"sql\"}')");
}

/** What its workers do: jobs end in every way, by a worker and by a loop of one's own. */
export async function work(pool: pg.Pool): Promise<void> {
  const worker = createWorker({
    database: pool,
    logger: false,
    concurrency: 1,
    queues: ["default"],
    subscriptions: [subscribe(ordered, plain)],
    schedules: [schedule({ name: "yearly", cron: "0 0 1 1 *", timeZone: "UTC", job: plain(0) })],
    handlers: [
      handle(plain, () => {}),
      handle(failing, () => {
        throw anywhere(new RetryError({ delayMs: hourMs }));
      }),
      handle(discarded, () => {
        throw anywhere(new DiscardError("no use"));
      }),
      handle(snoozed, (job) => job.snooze({ delayMs: hourMs })),
      verbs.transactional(pool, written, async (tx) => void (await verbs.enqueue(tx, plain(13)))),
      verbs.handle(
        pool,
        committed,
        async (job) => void (await job.commit((tx) => verbs.enqueue(tx, plain(14)))),
      ),
      verbs.handle(pool, durable, async (job) => {
        await job.step("call", () => 1);
        await job.stepTx("write", async (tx) => (await verbs.enqueue(tx, plain(15))).created);
        await job.run(plain(16));
        await job.waitForEvent(paid("1"), { timeoutMs: hourMs });
      }),
    ],
  });
  await worker.runOnce();
  await inTransaction(pool, async (tx) => void (await verbs.emit(tx, paid("1"), 1)));
  await worker.runOnce();
  await worker.stop();
  await inTransaction(pool, async (tx) => void (await verbs.retry(tx, { name: discarded, state: "dead" })));

  const claimer = createClaimer({ database: pool, logger: false, jobTypes: [claimed], queues: ["claimed"] });
  const jobs = await claimer.claim({ limit: 5 });
  await claimer.extend();
  const ends = [
    claimer.complete,
    (job: HeldJob) => claimer.fail(job, anywhere(new Error("no")), { delayMs: hourMs }),
    (job: HeldJob) => claimer.snooze(job, { delayMs: hourMs }),
    claimer.release,
  ];
  for (const [index, job] of jobs.entries()) await ends[index]?.(job);
  await claimer.stop();
}

/** What has become of all jobs, in the order of their names and payloads. */
export async function outcome(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query(
    "select concat_ws(' ', name, payload, state, attempt) as job from pillion.jobs order by name, payload::text, state, attempt",
  );
  return rows.map(({ job }) => job);
}
