import { randomUUID } from "node:crypto";
import { defineJob, type } from "@pillion/core";
import { createAdmin } from "@pillion/core/admin";
import { migrate } from "@pillion/core/migrate";
import { createWorker } from "@pillion/core/worker";
import { scratchDatabase } from "@pillion/dev-postgres";
import { configure, enqueue, enqueueStandalone, handle, idempotent, transactional } from "@pillion/pg";
import pg from "pg";
import { expect, inject, onTestFinished, test } from "vitest";

// What a transactional handler does with the other verbs.

const placed = defineJob({
  name: "order.placed",
  queue: "orders",
  payload: type<{ id: string }>(),
  backoff: { type: "fixed", delayMs: 1 },
});
const mail = defineJob({
  name: "mail.send",
  queue: "mail",
  payload: type<{ to: string; attempt: number }>(),
});

/** A database with the queue in it, and the application's pool. */
async function queue() {
  const database = await scratchDatabase(inject("databaseUrl"), "effects");
  onTestFinished(() => database.drop());
  await migrate({ database: database.url });
  const pool = new pg.Pool({ connectionString: database.url });
  pool.on("error", () => {});
  onTestFinished(() => pool.end());
  return { database, pool };
}

test("what a handler enqueues, and an answer it keeps, exist with its completion, and not after a throw", async () => {
  const { database, pool } = await queue();
  const handler = transactional(pool, placed, async (tx, job) => {
    await idempotent(tx, ["mail.order", job.id], async () => {
      await enqueue(tx, mail({ to: job.payload.id, attempt: job.attempt }));
    });
    if (job.attempt === 1) throw new Error("the first attempt fails");
  });
  const worker = createWorker({ database: database.url, handlers: [handler], logger: false });
  await worker.start();
  onTestFinished(() => worker.stop());
  const to = randomUUID();
  const { id } = await enqueueStandalone(pool, placed({ id: to }));
  const rows = async (text: string, values: unknown[]) => (await pool.query(text, values)).rows;
  await createAdmin({ database: pool }).waitFor(id, placed);
  expect(
    await rows(
      "select j.payload, j.xmin = a.xmin as one from pillion.job j, pillion.archive a where j.name = $1 and a.id = $2",
      [mail.name, id],
    ),
  ).toEqual([{ payload: { to, attempt: 2 }, one: true }]);
  expect(await rows("select answered from pillion.idempotency where key = $1", [id])).toEqual([
    { answered: true },
  ]);
});

test("a handler that goes on after its commit has lost nothing, and keeps no worker from stopping", async () => {
  const { database, pool } = await queue();
  const lines: string[] = [];
  const note = (line: string) => void lines.push(line);
  const handler = handle(pool, placed, async (job) => {
    await job.commit(async () => {});
    await new Promise<never>(() => {});
  });
  const worker = createWorker({
    database: database.url,
    handlers: [handler],
    pollMs: 20,
    logger: { error: note, warn: note, info: () => {} },
  });
  await worker.start();
  onTestFinished(() => worker.stop({ graceMs: 0 }));
  const { id } = await enqueueStandalone(pool, placed({ id: randomUUID() }));
  await createAdmin({ database: pool }).waitFor(id, placed);
  const beats = async () =>
    (await pool.query("select heartbeat_at::text as at from pillion.worker")).rows[0].at;
  for (let beat = 0; beat < 3; beat++) {
    const before = await beats();
    while ((await beats()) === before);
  }
  await worker.stop({ graceMs: 0 });
  expect(lines).toEqual([]);
});

test("a handler that is bound to another schema than its worker is refused, among others that are not", async () => {
  const { database, pool } = await queue();
  await migrate({ database: database.url, schema: "other" });
  const handlers = [
    configure({ schema: "other" }).transactional(pool, placed, () => {}),
    transactional(pool, mail, () => {}),
  ];
  const worker = createWorker({ database: database.url, handlers, logger: false });
  onTestFinished(() => worker.stop());
  await expect(worker.start()).rejects.toMatchObject({
    code: "INVALID_CONFIGURATION",
    message: expect.stringContaining(placed.name),
  });
});
