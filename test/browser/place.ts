import { type Admin, createAdmin } from "@pillion/core/admin";
import { migrate } from "@pillion/core/migrate";
import { createWorker, type Worker } from "@pillion/core/worker";
import { type DashboardOptions, dashboard } from "@pillion/dashboard";
import { scratchDatabase } from "@pillion/dev-postgres";
import pg from "pg";
import { gateTo } from "./gate.ts";
import { serve } from "./serve.ts";

export interface Place {
  readonly admin: Admin;
  readonly query: (text: string, values?: unknown[]) => Promise<Record<string, unknown>[]>;
  /** Where the board is, with its base path: `http://127.0.0.1:1234/admin/jobs`. */
  readonly board: string;
  /** Every request that the board has got. */
  readonly requests: string[];
  /** What stands between the board and its database. */
  readonly gate: { shut(): Promise<void>; open(): Promise<void> };
  /** Starts a worker, past the gate. */
  work(options: Omit<Parameters<typeof createWorker>[0], "database">): Promise<Worker>;
  close(): Promise<void>;
}

/** A database of a test file's own, with the board before it, mounted below a path as in an application. */
export async function boardPlace(
  databaseUrl: string,
  subject: string,
  options: Partial<Omit<DashboardOptions, "admin">> = {},
): Promise<Place> {
  const scratch = await scratchDatabase(databaseUrl, subject);
  const pool = new pg.Pool({ connectionString: scratch.url, max: 4 });
  pool.on("error", () => {});
  await migrate({ database: pool });
  const gate = await gateTo(scratch.url);
  const seen = new pg.Pool({ connectionString: gate.url, max: 4 });
  seen.on("error", () => {});
  const viewed = createAdmin({ database: seen });
  const served = await serve(
    dashboard({
      authorize: () => true,
      basePath: "/admin/jobs",
      // Told to the viewer, and part of what is tested.
      onError: () => {},
      ...options,
      admin: viewed,
    }),
  );
  const workers: Worker[] = [];
  return {
    admin: createAdmin({ database: pool }),
    query: async (text, values) => (await pool.query(text, values)).rows,
    board: `${served.origin}/admin/jobs`,
    requests: served.requests,
    gate,
    async work(workerOptions) {
      const worker = createWorker({ database: scratch.url, logger: false, ...workerOptions });
      workers.push(worker);
      await worker.start();
      return worker;
    },
    async close() {
      await served.close();
      await Promise.all(workers.map((worker) => worker.stop({ graceMs: 0 })));
      await viewed.close();
      await gate.shut();
      await seen.end();
      await pool.end();
      await scratch.drop();
    },
  };
}
