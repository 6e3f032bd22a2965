import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";

/** A job as the suite reads it: by itself, whatever the adapter said. Every column is text or null. */
export interface StoredJob {
  readonly id: string;
  readonly state: string;
  readonly attempt: string;
  readonly queue: string;
  readonly priority: string;
  readonly version: string;
  readonly max_attempts: string | null;
  readonly partition_key: string | null;
  readonly unique_key: string | null;
  readonly headers: string | null;
  readonly payload: string;
  readonly payload_type: string;
  readonly xid: string;
  /** Milliseconds since 1970. */
  readonly run_at: string;
  readonly created_at: string;
  readonly start_before: string | null;
}

/** The suite's own eyes: a few plain pg connections, which no adapter has any part in. */
export interface Reader {
  query(text: string, values?: readonly unknown[]): Promise<Record<string, string | null>[]>;
  /** All jobs of this name that have not ended, in the order of their ids. */
  jobs(name: string, schema?: string): Promise<StoredJob[]>;
  hasOrder(id: string): Promise<boolean>;
  /** The ids of the jobs of this name that a worker could claim at this moment. */
  claimable(name: string): Promise<string[]>;
  /** Waits until the query answers a row; `what` is for the failure's message. */
  until(what: string, text: string, values?: readonly unknown[]): Promise<void>;
  /** Waits until the backend waits for a lock. */
  untilBlocked(pid: number): Promise<void>;
  /** Waits until the backend has gone, and with it its transaction. */
  untilGone(pid: number): Promise<void>;
  /** A connection in a READ COMMITTED transaction; it rolls back unless `commit` is called. */
  begin(): Promise<{ query: Reader["query"]; commit(): Promise<void>; rollback(): Promise<void> }>;
  close(): Promise<void>;
}

export function openReader(url: string, schema: string, jobs: string, patienceMs: number): Reader {
  const settings = { connectionString: url, application_name: "pillion conformance reader" };
  const pool = new pg.Pool({ ...settings, max: 6 });
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  const query: Reader["query"] = async (text, values) => (await pool.query(text, values as unknown[])).rows;
  const until: Reader["until"] = async (what, text, values) => {
    const deadline = performance.now() + patienceMs;
    for (let wait = 1; (await query(text, values)).length === 0; wait = Math.min(2 * wait, 50)) {
      if (performance.now() > deadline) assert.fail(`waited in vain until ${what}`);
      await pause(wait);
    }
  };
  return {
    query,
    until,
    async jobs(name, from = jobs) {
      const rows = await query(
        `select id::text, state::text, attempt::text, queue, priority::text, version::text, max_attempts::text,
           partition_key, unique_key, headers::text, payload::text, jsonb_typeof(payload) as payload_type,
           enqueued_xid::text as xid, (extract(epoch from run_at) * 1000)::text as run_at,
           (extract(epoch from created_at) * 1000)::text as created_at,
           (extract(epoch from start_before) * 1000)::text as start_before
         from "${from}".job where name = $1 order by job.id`,
        [name],
      );
      return rows as unknown as StoredJob[];
    },
    hasOrder: async (id) => (await query(`select from ${schema}.orders where id = $1`, [id])).length === 1,
    async claimable(name) {
      const rows = await query(
        `select id::text from ${jobs}.job where name = $1 and state = 'ready' order by position for update skip locked`,
        [name],
      );
      return rows.map((row) => row.id!);
    },
    untilBlocked: (pid) =>
      until(
        `backend ${pid} waits for a lock`,
        "select from pg_stat_activity where pid = $1 and wait_event_type = 'Lock'",
        [pid],
      ),
    untilGone: (pid) =>
      until(
        `backend ${pid} has gone`,
        "select where not exists (select from pg_stat_activity where pid = $1)",
        [pid],
      ),
    async begin() {
      // Not one of the pool's: cases that hold a transaction each must not keep one another from reading.
      const client = new pg.Client(settings);
      client.on("error", () => {});
      await client.connect();
      let open = true;
      const end = async (word: string) => {
        if (!open) return;
        open = false;
        await client.query(word).finally(() => client.end());
      };
      await client.query("begin isolation level read committed");
      return {
        query: async (text, values) => (await client.query(text, values as unknown[])).rows,
        commit: () => end("commit"),
        rollback: () => end("rollback"),
      };
    },
    close: () => pool.end(),
  };
}
