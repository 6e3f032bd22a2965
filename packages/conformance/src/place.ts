import { randomBytes } from "node:crypto";
import { migrate } from "@pillion/core/migrate";
import pg from "pg";
import { openReader, type Reader } from "./reader.ts";

/** Where a run happens: two schemas of its own, one for the application's tables and one for the jobs. */
export interface Place {
  /** With the application's schema as `search_path`. */
  readonly url: string;
  /** The schema of `orders` and `customers`. */
  readonly schema: string;
  /** The schema of the jobs, for `configure`. */
  readonly jobs: string;
  readonly reader: Reader;
  /** Ends the sessions that hold locks on the tables of these schemas: what cases that failed have left open. */
  evict(): Promise<void>;
  /** Drops both schemas. */
  close(): Promise<void>;
}

export async function makePlace(url: string, patienceMs: number): Promise<Place> {
  const id = randomBytes(4).toString("hex");
  const schema = `pillion_shop_${id}`;
  const jobs = `pillion_jobs_${id}`;
  const reader = openReader(url, schema, jobs, patienceMs);
  try {
    await reader.query(`create schema ${schema}`);
    await reader.query(`create table ${schema}.customers (id text primary key)`);
    await reader.query(`create table ${schema}.orders (
      id text primary key,
      total integer not null check (total >= 0),
      customer text references ${schema}.customers deferrable initially deferred)`);
    await migrate({ database: url, schema: jobs });
  } catch (error) {
    await reader.close();
    throw error;
  }
  return {
    url: withSettings(url, { search_path: schema }),
    schema,
    jobs,
    reader,
    async evict() {
      await reader.query(
        `select pg_terminate_backend(pid) from pg_locks join pg_class on pg_class.oid = relation
         where relnamespace in ('${schema}'::regnamespace, '${jobs}'::regnamespace) and pid <> pg_backend_pid()`,
      );
    },
    async close() {
      await reader.query(`drop schema if exists ${schema}, ${jobs} cascade`);
      await reader.close();
    },
  };
}

/** The URL with settings for every session that is opened with it: the same as settings of the role. */
export function withSettings(url: string, settings: Readonly<Record<string, string>>): string {
  const changed = new URL(url);
  const given = changed.searchParams.get("options");
  const added = Object.entries(settings).map(
    ([name, value]) => `-c ${name}=${value.replaceAll(/[\\ ]/g, "\\$&")}`,
  );
  changed.searchParams.set("options", [...(given === null ? [] : [given]), ...added].join(" "));
  // Not every driver reads a "+" as a space.
  changed.search = changed.search.replaceAll("+", "%20");
  return changed.href;
}

/** Creates one more schema of jobs, with a name of the caller's choice, and answers how to drop it. */
export async function makeJobsSchema(url: string, name: string): Promise<() => Promise<void>> {
  await migrate({ database: url, schema: name });
  return async () => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(`drop schema "${name}" cascade`);
    await client.end();
  };
}
