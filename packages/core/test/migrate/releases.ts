import { existsSync, readdirSync, readFileSync } from "node:fs";
import { migrate } from "@pillion/core/migrate";
import { scratchDatabase } from "@pillion/dev-postgres";
import pg from "pg";
import { apply, outcome, work } from "./life.ts";
import { type Recording, record } from "./recording.ts";

/** What a release has left behind. */
export interface Release {
  readonly name: string;
  /** Of its schema. */
  readonly version: number;
  /** What its `pillion migrate --print` says. */
  readonly sql: string;
  readonly life: LifeRecording;
}

/** All that its application and its workers have sent to an empty queue, and what has become of the jobs. */
export interface LifeRecording extends Recording {
  readonly outcome: readonly string[];
}

const folder = new URL("./releases/", import.meta.url);

/** What releases have recorded: `record-release.ts` writes it. */
export function releases(): Release[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((name) => {
    const read = (file: string) => readFileSync(new URL(`${name}/${file}`, folder), "utf8");
    const sql = read("schema.sql");
    return {
      name,
      version: Number(/from version 0 to (\d+)/.exec(sql)![1]),
      sql,
      life: JSON.parse(read("life.json")),
    };
  });
}

/** A life of this release in a database of its own. */
export async function recordLife(server: string): Promise<LifeRecording> {
  const database = await scratchDatabase(server, "life");
  try {
    await migrate({ database: database.url });
    await numbersApart(database.url);
    const recording = await record(database.url, async (pool) => {
      await work(pool);
      await apply(pool);
      await work(pool);
    });
    return { ...recording, outcome: await outcomeIn(database.url) };
  } finally {
    await database.drop();
  }
}

/** What has become of all jobs of a database. */
export async function outcomeIn(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await outcome(client);
  } finally {
    await client.end();
  }
}

/** Ids, claims, positions and workers count from numbers of their own, so that each tells what it is. */
async function numbersApart(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(
    `select setval(oid::regclass, 1000000 * row_number() over (order by oid)) from pg_class
      where relkind = 'S' and relnamespace = 'pillion'::regnamespace`,
  );
  await client.end();
}
