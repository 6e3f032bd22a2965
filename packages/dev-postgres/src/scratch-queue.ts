import { createHash } from "node:crypto";
import pg from "pg";
import { type ScratchDatabase, scratchDatabase } from "./scratch-database.ts";

export interface ScratchQueue extends ScratchDatabase {
  /** The queue's schema. */
  readonly schema: string;
}

/**
 * Creates a database of a test's own with a queue in it: a copy of one that is migrated once in a run, which costs a
 * fifth of migrating.
 *
 * @param migrate makes the queue
 * @param schema where; by default not in the usual one, so that what has that one's name built in is found out
 */
export async function scratchQueue(
  url: string,
  subject: string,
  migrate: Migrate,
  schema = "pillion_of_a_test",
): Promise<ScratchQueue> {
  const key = `${url} ${schema}`;
  const template = templates.get(key) ?? makeTemplate(url, schema, migrate);
  templates.set(key, template);
  const like = await template;
  return { ...(await scratchDatabase(url, subject, { like, patient: true })), schema };
}

type Migrate = (options: { database: string; schema: string }) => Promise<unknown>;

/** Those that this process has seen: how a database is made of each. */
const templates = new Map<string, Promise<string>>();

/** Of the processes of a run that ask at once, one makes it. It has its name when it is done, and goes with the run. */
async function makeTemplate(url: string, schema: string, migrate: Migrate): Promise<string> {
  const name = `pillion_template_${createHash("sha256").update(`${process.env.PILLION_SCRATCH} ${schema}`).digest("hex").slice(0, 16)}`;
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("select pg_advisory_lock(hashtextextended($1, 0))", [name]);
    const { rows } = await client.query("select from pg_database where datname = $1", [name]);
    if (rows.length === 0) {
      const unfinished = await scratchDatabase(url, "template");
      await migrate({ database: unfinished.url, schema });
      await client.query(`alter database "${unfinished.name}" rename to "${name}"`);
    }
    // Where nothing has to reach the disk, copying files is cheaper than writing them to the log. Postgres 15 brought
    // the choice.
    const { rows: settings } = await client.query(
      "select current_setting('fsync') = 'off' and current_setting('server_version_num')::integer >= 150000 as copy",
    );
    return `template "${name}"${settings[0].copy ? " strategy file_copy" : ""}`;
  } finally {
    await client.end();
  }
}
