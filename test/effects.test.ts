import { randomUUID } from "node:crypto";
import { defineJob, type } from "@pillion/core";
import { createAdmin } from "@pillion/core/admin";
import { migrate } from "@pillion/core/migrate";
import { createWorker } from "@pillion/core/worker";
import { scratchDatabase } from "@pillion/dev-postgres";
import { enqueue, enqueueStandalone, idempotent, transactional } from "@pillion/pg";
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

test("what a handler enqueues, and an answer it keeps, exist with its completion, and not after a throw", async () => {
  const database = await scratchDatabase(inject("databaseUrl"), "effects");
  onTestFinished(() => database.drop());
  await migrate({ database: database.url });
  const pool = new pg.Pool({ connectionString: database.url });
  pool.on("error", () => {});
  onTestFinished(() => pool.end());
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
