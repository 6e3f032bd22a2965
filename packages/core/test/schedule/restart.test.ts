import { migrate } from "@pillion/core/migrate";
import { startPostgres } from "@pillion/dev-postgres";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { until } from "../worker/queue.ts";
import { expectEachOnce } from "./slots.ts";
import { killWorkerProcesses, startWorkerProcess } from "./worker-process.ts";

test("each slot has one job although the server is restarted again and again, and no worker ends", async () => {
  const server = await startPostgres({ durable: false });
  onTestFinished(() => server.stop());
  const pool = new pg.Pool({ connectionString: server.url, max: 2 });
  pool.on("error", () => {});
  onTestFinished(() => pool.end());
  await migrate({ database: pool });
  onTestFinished(killWorkerProcesses);
  const workers = await Promise.all([1, 2].map(() => startWorkerProcess(server.url, "pillion")));
  const slots = async (): Promise<number[]> =>
    (
      await pool.query(
        `select (extract(epoch from run_at) * 1000)::float8 as slot
         from (select run_at, headers from pillion.live union all select run_at, headers from pillion.archive) jobs
         where headers ->> 'pillion.schedule' = 'interval' order by 1`,
      )
    ).rows.map(({ slot }) => slot);
  const more = async () => {
    const before = (await slots()).length;
    await until(async () => (await slots()).length > before + 10);
  };
  for (const mode of ["fast", "immediate", "immediate"] as const) {
    await more();
    await server.restart(mode);
  }
  await more();
  expectEachOnce(await slots(), 100);
  expect(workers.map(({ child }) => child.exitCode)).toEqual([null, null]);
});
