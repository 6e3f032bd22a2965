import { migrate } from "@pillion/core/migrate";
import { createWorker } from "@pillion/core/worker";
import { scratchDatabase } from "@pillion/dev-postgres";
import { enqueue, transactional } from "@pillion/pg";
import pg from "pg";
import { expect, inject, onTestFinished, test, vi } from "vitest";
import { lookAt, sendPayslip } from "./docs/encryption.ts";

test("the page's encrypted job runs in a transaction of its ORM, and is revealed to who has the keys", async () => {
  const database = await scratchDatabase(inject("databaseUrl"), "encryption");
  onTestFinished(() => database.drop());
  await migrate({ database: database.url });
  const pool = new pg.Pool({ connectionString: database.url });
  pool.on("error", () => {});
  onTestFinished(() => pool.end());
  vi.stubEnv("JOBS_KEY_2026_11", Buffer.alloc(32, 7).toString("base64"));
  onTestFinished(() => void vi.unstubAllEnvs());
  const iban = "DE02120300000000202051";

  const tx = await pool.connect();
  await tx.query("begin");
  const { id } = await enqueue(tx, sendPayslip({ iban, amount: 1 }, { headers: { tenant: "7" } }));
  await tx.query("commit");
  tx.release();
  const handler = transactional(pool, sendPayslip, async (_tx, { payload, attempt }) => {
    if (attempt === 1) throw new Error(`no bank has ${payload.iban}`);
    return { receipt: payload.iban };
  });
  const worker = createWorker({ database: database.url, handlers: [handler], logger: false, pollMs: 20 });
  await worker.start();
  onTestFinished(() => worker.stop());
  const state = async () =>
    (await pool.query("select state, row_to_json(a)::text as row from pillion.archive a where id = $1", [id]))
      .rows[0];
  await expect.poll(state, { timeout: 60_000 }).toBeDefined();
  const { state: ended, row } = await state();
  expect(ended).toBe("completed");
  expect(row).not.toContain(iban);

  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  onTestFinished(() => log.mockRestore());
  await lookAt(database.url, id);
  expect(log.mock.calls).toEqual([["encrypted with key 2026-11"], [{ iban, amount: 1 }, undefined]]);
});
