import { setTimeout as pause } from "node:timers/promises";
import { type Admin, createAdmin } from "@pillion/core/admin";
import { migrate } from "@pillion/core/migrate";
import { scratchQueue } from "@pillion/dev-postgres";
import pg from "pg";
import { inject } from "vitest";
import type { JobState } from "../../src/job/job.ts";
import type { Logger } from "../../src/worker/logger.ts";

/** A queue of a test's own, in a database of its own; jobs are put in by SQL. */
export interface TestQueue {
  /** The database's name. */
  readonly name: string;
  readonly schema: string;
  readonly url: string;
  readonly pool: pg.Pool;
  readonly admin: Admin;
  /** Enqueues and commits; answers the id. */
  add(name: string, payload?: unknown, options?: Record<string, unknown>): Promise<string>;
  /** Waits until the job is in one of the states. */
  reaches(id: string, ...states: JobState[]): Promise<void>;
  query(text: string, values?: unknown[]): Promise<Record<string, never>[]>;
  drop(): Promise<void>;
}

export async function testQueue(): Promise<TestQueue> {
  const { name, url, schema, drop } = await scratchQueue(inject("databaseUrl"), "worker", migrate);
  const pool = new pg.Pool({ connectionString: url, max: 5 });
  pool.on("error", () => {});
  const admin = createAdmin({ database: pool, schema });
  const queue: TestQueue = {
    name,
    schema,
    url,
    pool,
    admin,
    query: async (text, values) =>
      (await pool.query(text.replaceAll(/\bpillion\./g, `${schema}.`), values)).rows,
    async add(name, payload = null, options = {}) {
      const rows = await queue.query(
        "select id::text from pillion.enqueue($1, $2::text::jsonb, $3::text::jsonb)",
        [name, JSON.stringify(payload), JSON.stringify(options)],
      );
      return rows[0]!.id!;
    },
    reaches: (id, ...states) => until(async () => states.includes((await admin.job(id))!.state)),
    async drop() {
      await pool.end();
      await drop();
    },
  };
  return queue;
}

/** Waits for a state that only looking can tell, and looks less often the longer it takes: the test's own time limit ends it. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let gapMs = 2; !(await holds()); gapMs = Math.min(1.5 * gapMs, 25)) await pause(gapMs);
}

/** Keeps what a worker says. */
export function listeningLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const keep = (message: string) => void lines.push(message);
  return { lines, info: keep, warn: keep, error: keep };
}
