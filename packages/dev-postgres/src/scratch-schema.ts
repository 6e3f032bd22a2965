import { randomBytes } from "node:crypto";
import pg from "pg";

export interface ScratchSchema {
  readonly name: string;
  /** The database's URL, with this schema as its `search_path`. */
  readonly url: string;
  /** Drops the schema and all that is in it. */
  drop(): Promise<void>;
}

/** Set in a run's first process: the processes that it starts inherit it, and mark their schemas with it. */
process.env.PILLION_SCRATCH ??= `scratch of run ${randomBytes(8).toString("hex")}`;

/**
 * Creates an empty schema of a test's own, so that tests share a server without meeting, and leave no trace on
 * one that is somebody else's.
 *
 * @param subject a word that tells whose it is: the schema is named `pillion_<subject>_<random>`
 */
export async function scratchSchema(url: string, subject: string): Promise<ScratchSchema> {
  const name = `pillion_${subject}_${randomBytes(4).toString("hex")}`;
  await run(url, `create schema "${name}"; comment on schema "${name}" is '${process.env.PILLION_SCRATCH}'`);
  const own = new URL(url);
  const options = own.searchParams.get("options");
  own.searchParams.set("options", `${options === null ? "" : `${options} `}-c search_path="${name}"`);
  // Not every driver reads a "+" as a space.
  own.search = own.search.replaceAll("+", "%20");
  return { name, url: own.href, drop: () => drop(url, name) };
}

async function drop(url: string, name: string): Promise<void> {
  await run(url, `drop schema if exists "${name}" cascade`);
}

/** Runs statements, one after the other, on a connection of its own. */
export async function run(url: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
