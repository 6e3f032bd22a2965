import { randomBytes } from "node:crypto";
import { migrate } from "@pillion/core/migrate";
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
  /** Creates one more schema of jobs, with a name of the caller's choice, and answers how to drop it. */
  makeJobs(name: string): Promise<() => Promise<void>>;
  /** Ends the sessions that hold locks on the tables of these schemas: what cases that failed have left open. */
  evict(): Promise<void>;
  /** Drops both schemas. */
  close(): Promise<void>;
}

/** What an application is that does everything: it enqueues, works, operates, and tests itself. */
const kinds = ["enqueuer", "worker", "operator", "tester"];

/** @param applicationUrl of clients and workers, whose role is let into every schema that is made */
export async function makePlace(url: string, patienceMs: number, applicationUrl = url): Promise<Place> {
  const role = decodeURIComponent(new URL(applicationUrl).username);
  const id = randomBytes(4).toString("hex");
  const schema = `pillion_shop_${id}`;
  const jobs = `pillion_jobs_${id}`;
  const reader = openReader(url, schema, jobs, patienceMs);
  const makeJobs = async (name: string) => {
    await migrate({ database: url, schema: name });
    if (applicationUrl !== url)
      for (const kind of kinds) await reader.query(`select "${name}".allow($1, $2)`, [role, kind]);
  };
  try {
    await reader.query(`create schema ${schema}`);
    if (applicationUrl !== url)
      await reader.query(`grant usage on schema ${schema} to "${role}";
        alter default privileges in schema ${schema} grant all on tables to "${role}"`);
    await reader.query(`create table ${schema}.customers (id text primary key)`);
    await reader.query(`create table ${schema}.orders (
      id text primary key,
      total integer not null check (total >= 0),
      customer text references ${schema}.customers deferrable initially deferred)`);
    await makeJobs(jobs);
  } catch (error) {
    await reader.close();
    throw error;
  }
  return {
    url: withSettings(applicationUrl, { search_path: schema }),
    schema,
    jobs,
    reader,
    async makeJobs(name) {
      await makeJobs(name);
      return () => reader.query(`drop schema "${name}" cascade`).then(() => {});
    },
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
