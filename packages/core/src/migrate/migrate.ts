import pg, { type ClientBase, type Pool } from "pg";
import { defaults } from "../defaults.ts";
import { InvalidConfigurationError, SchemaOutdatedError } from "../errors.ts";
import { schemaOf } from "../postgres/schema.ts";
import { currentVersion, pendingMigrations } from "./migration-sql.ts";

/** Which schema of which database `migrate` brings up to date. */
export interface MigrateOptions {
  /** A connection URL, a pg Pool, or a pg Client with no transaction open. */
  readonly database: string | Pool | ClientBase;
  /** The schema to create or bring up to date; default `pillion`. */
  readonly schema?: string | undefined;
}

/** What `migrate` found, and what it did. */
export interface MigrateResult {
  /** The schema's version before; 0 where there was none. */
  readonly from: number;
  readonly to: number;
  /** The names of what was applied, in order; empty where the schema was current. */
  readonly applied: readonly string[];
}

/**
 * Creates the queue's schema, or brings it up to date, in one transaction. Idempotent; several processes may call
 * it at once: one does the work, the others wait for it.
 *
 * @throws SchemaOutdatedError when the schema is newer than this release
 * @throws InvalidConfigurationError when the database does not store UTF-8
 */
export async function migrate({
  database,
  schema: name = defaults.schema,
}: MigrateOptions): Promise<MigrateResult> {
  const schema = schemaOf(name);
  if (typeof database === "string") {
    const client = new pg.Client({ connectionString: database });
    client.on("error", () => {});
    await client.connect();
    try {
      return await migrateOn(client, schema);
    } finally {
      await client.end();
    }
  }
  if (!("totalCount" in database)) return migrateOn(database, schema);
  const client = await database.connect();
  try {
    return await migrateOn(client, schema);
  } finally {
    client.release();
  }
}

async function migrateOn(client: ClientBase, schema: ReturnType<typeof schemaOf>): Promise<MigrateResult> {
  // Settings of the role or database must not cut a migration short; they last for this transaction.
  await client.query(
    "begin isolation level read committed; set local statement_timeout = 0; set local lock_timeout = 0; set local idle_in_transaction_session_timeout = 0; set local check_function_bodies = on",
  );
  try {
    await client.query("select pg_advisory_xact_lock(hashtextextended('pillion migrate ' || $1::text, 0))", [
      schema.name,
    ]);
    const encoding = await client.query("select current_setting('server_encoding') as encoding");
    if (encoding.rows[0].encoding !== "UTF8")
      throw new InvalidConfigurationError(
        `This database stores text as ${encoding.rows[0].encoding}; Pillion needs a database with ENCODING 'UTF8'.`,
      );
    const from = await versionOf(client, schema);
    if (from > currentVersion)
      throw new SchemaOutdatedError(
        `The schema "${schema.name}" is at version ${from}; this release of Pillion knows versions up to ${currentVersion}. Nothing was changed. Use a newer release of the package pillion.`,
      );
    const pending = pendingMigrations({ schema: schema.name, from });
    for (const { sql } of pending) await client.query(sql);
    await client.query("commit");
    return { from, to: currentVersion, applied: pending.map((migration) => migration.name) };
  } catch (error) {
    await client.query("rollback").catch(() => {});
    throw error;
  }
}

/** The version of a schema in this database; 0 where there is none. */
async function versionOf(client: ClientBase, schema: ReturnType<typeof schemaOf>): Promise<number> {
  const exists = await client.query("select to_regclass($1) is not null as exists", [schema.migration]);
  if (!exists.rows[0].exists) return 0;
  const { rows } = await client.query(
    `select coalesce(max(version), 0)::integer as version from ${schema.migration}`,
  );
  return rows[0].version;
}
