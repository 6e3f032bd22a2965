import { spawn } from "node:child_process";
import { once } from "node:events";
import { migrate } from "@pillion/core/migrate";
import { startPostgres } from "@pillion/dev-postgres";
import { builtProgram } from "@pillion/dev-program";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { until } from "./queue.ts";

/** A worker in a process of its own, which must end by our word alone. */
async function workerProcess(url: string) {
  const program = await builtProgram(new URL("./child.ts", import.meta.url));
  const child = spawn(process.execPath, [program, url, "pillion", "15000", "5000"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const worker = { child, started: 0, complained: "", exited: once(child, "exit") };
  child.stdout.on("data", (chunk) => {
    worker.started += String(chunk).split("started ").length - 1;
  });
  child.stderr.on("data", (chunk) => {
    worker.complained += chunk;
  });
  return worker;
}

/** Enqueues one job after the other, through whatever happens to the server, and keeps the ids that it was answered. */
function enqueuer(pool: pg.Pool) {
  const ids: string[] = [];
  let on = true;
  const over = (async () => {
    while (on) {
      await pool
        .query("select id::text from pillion.enqueue('quick', 'null')")
        .then(({ rows }) => ids.push(rows[0].id))
        .catch(() => new Promise((resolve) => setImmediate(resolve)));
    }
  })();
  return {
    ids,
    async stop() {
      on = false;
      await over;
    },
  };
}

for (const mode of ["fast", "immediate"] as const)
  test(`workers under load outlive a restart of the server (${mode}): none ends, and every job that was committed runs`, async () => {
    const server = await startPostgres({ durable: false });
    onTestFinished(() => server.stop());
    const pool = new pg.Pool({ connectionString: server.url, max: 4 });
    pool.on("error", () => {});
    onTestFinished(() => pool.end());
    await migrate({ database: pool });
    const workers = [await workerProcess(server.url), await workerProcess(server.url)];
    const load = enqueuer(pool);

    for (let round = 0; round < 3; round++) {
      const before = workers.map(({ started }) => started);
      const enqueued = load.ids.length;
      await until(
        () =>
          workers.every(({ started }, index) => started > before[index]! + 20) &&
          load.ids.length > enqueued + 50,
      );
      await server.restart(mode);
    }
    const before = workers.map(({ started }) => started);
    await until(() => workers.every(({ started }, index) => started > before[index]!));
    await load.stop();

    const left = "select from pillion.live where state in ('scheduled', 'ready', 'running')";
    await until(async () => (await pool.query(left)).rowCount === 0);
    const { rows } = await pool.query(
      "select count(*)::int as completed from pillion.archive where id = any($1::text[]::bigint[]) and state = 'completed'",
      [load.ids],
    );
    expect(rows).toEqual([{ completed: load.ids.length }]);

    for (const { child, exited, complained } of workers) {
      expect(child.exitCode).toBe(null);
      expect(complained).not.toMatch(/unhandled|uncaught/i);
      child.kill("SIGTERM");
      expect(await exited).toEqual([0, null]);
    }
  });
