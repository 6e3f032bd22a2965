import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterAll, afterEach, beforeAll, expect, inject } from "vitest";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** A demo that runs, and what it has printed. */
export interface RunningDemo {
  readonly child: ChildProcess;
  /** Resolves when it is over. */
  readonly ended: Promise<{ readonly code: number; readonly printed: string }>;
  /** Resolves when it has printed this. */
  prints(wanted: string): Promise<void>;
}

/** A database of the test file's own, so that whatever is left in it is the demo's; and demos on it. */
export function demoDatabase(subject: string) {
  const database = `demo_${subject}_${process.pid}`;
  const url = Object.assign(new URL(inject("databaseUrl")), { pathname: `/${database}` }).href;
  const children: ChildProcess[] = [];
  const pool = new pg.Pool({ connectionString: inject("databaseUrl") });

  const query = async (text: string) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end();
    }
  };
  beforeAll(async () => {
    await pool.query(`create database ${database}`);
    // Somebody else's table, of a name that the demo uses too.
    await query("create table orders (mine text); insert into orders values ('untouched')");
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
  });
  afterAll(async () => {
    await pool.query(`drop database ${database} with (force)`);
    await pool.end();
  });

  return {
    demo(...args: string[]): RunningDemo {
      const child = spawn(
        process.execPath,
        ["--import", import.meta.resolve("@pillion/dev-program/compile"), main, ...args],
        {
          env: { ...process.env, DATABASE_URL: url },
          stdio: ["pipe", "pipe", "pipe"],
        },
      );
      children.push(child);
      const printed = { text: "" };
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding("utf8").on("data", (text: string) => {
          printed.text += text;
        });
      const ended = once(child, "close").then(([code]) => ({ code: code as number, printed: printed.text }));
      const prints = async (wanted: string) => {
        const over = ended.then(() => expect.fail(`the demo ended without "${wanted}": ${printed.text}`));
        while (!printed.text.includes(wanted))
          await Promise.race([once(child.stdout, "data"), once(child.stderr, "data"), over]);
      };
      return { child, ended, prints };
    },
    /** What the demo may not leave: connections, schemas, and changes of what is not its own. */
    async left() {
      const { rows: connections } = await pool.query(
        "select application_name, query from pg_stat_activity where datname = $1",
        [database],
      );
      const schemas = await query(
        "select nspname from pg_namespace where nspname !~ '^pg_' and nspname not in ('information_schema', 'public')",
      );
      const tables = await query("select tablename from pg_tables where schemaname = 'public'");
      return { connections, schemas, tables, orders: await query("select * from public.orders") };
    },
  };
}

/** What is left where the demo has left nothing. */
export const nothing = {
  connections: [],
  schemas: [],
  tables: [{ tablename: "orders" }],
  orders: [{ mine: "untouched" }],
};
