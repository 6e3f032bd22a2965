import { migrate } from "@pillion/core/migrate";
import { scratchDatabase } from "@pillion/dev-postgres";
import pg from "pg";
import { inject } from "vitest";

/** A database of a test file's own: a pooler lends its connections per database. */
export interface PooledPlace {
  /** To the server itself. */
  readonly direct: string;
  /** Through the pooler. */
  readonly pooled: string;
  /** Runs a statement on the server itself. */
  query(text: string, values?: unknown[]): Promise<Record<string, never>[]>;
  /** What the sessions that the pooler lends hold at this moment, all of them looked at side by side. */
  leftovers(): Promise<Leftovers>;
  drop(): Promise<void>;
}

export interface Leftovers {
  readonly sessions: number;
  readonly advisoryLocks: number;
  readonly preparedStatements: number;
  readonly channels: number;
  readonly cursors: number;
  /** Settings that differ from those that a new session has; the pooler itself keeps those that it tracks. */
  readonly settings: readonly string[];
}

/**
 * The queue in `pillion`, and the application's table `orders` in `public`.
 *
 * @param pooler another one than the one that all share
 */
export async function pooledPlace(subject: string, pooler = inject("pooledUrl")): Promise<PooledPlace> {
  const scratch = await scratchDatabase(inject("databaseUrl"), subject);
  const pool = new pg.Pool({ connectionString: scratch.url, max: 3, application_name: "looks on" });
  pool.on("error", () => {});
  const pooled = new URL(pooler);
  pooled.pathname = new URL(scratch.url).pathname;
  await migrate({ database: pool });
  await pool.query("create table orders (id text primary key, total integer not null, customer text)");
  return {
    direct: scratch.url,
    pooled: pooled.href,
    query: async (text, values) => (await pool.query(text, values)).rows,
    leftovers: () => leftovers(pooled.href),
    async drop() {
      await pool.end();
      await scratch.drop();
    },
  };
}

const looks = `select pg_backend_pid() as pid,
  (select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks,
  (select count(*)::int from pg_prepared_statements) as prepared,
  (select count(*)::int from pg_listening_channels()) as channels,
  (select count(*)::int from pg_cursors where is_holdable) as cursors,
  array(select name || '=' || setting from pg_settings where source = 'session'
    and name not in ('application_name', 'client_encoding', 'DateStyle', 'IntervalStyle', 'standard_conforming_strings', 'TimeZone')) as settings`;

/** As many transactions as the pooler has connections: each holds another one of them. */
async function leftovers(url: string): Promise<Leftovers> {
  const clients = [new pg.Client(url), new pg.Client(url)];
  try {
    for (const client of clients) {
      await client.connect();
      await client.query("begin");
    }
    const rows: pg.QueryResultRow[] = [];
    for (const client of clients) rows.push((await client.query(looks)).rows[0]);
    const sum = (column: string) => rows.reduce((total, row) => total + row[column], 0);
    return {
      sessions: new Set(rows.map(({ pid }) => pid)).size,
      advisoryLocks: sum("locks"),
      preparedStatements: sum("prepared"),
      channels: sum("channels"),
      cursors: sum("cursors"),
      settings: rows.flatMap(({ settings }) => settings),
    };
  } finally {
    for (const client of clients) {
      // The pooler would close a connection that is left inside a transaction.
      await client.query("rollback");
      await client.end();
    }
  }
}

/** What is left on shared connections by those who leave nothing. */
export const nothing: Leftovers = {
  sessions: 2,
  advisoryLocks: 0,
  preparedStatements: 0,
  channels: 0,
  cursors: 0,
  settings: [],
};
