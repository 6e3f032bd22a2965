import pg, { type ClientBase, type Pool } from "pg";
import { defaults } from "../defaults.ts";
import { InvalidConfigurationError } from "../errors.ts";
import { schemaOf } from "../postgres/schema.ts";
import { newerSchema } from "../postgres/schema-error.ts";
import { show } from "../show.ts";
import { currentVersion, pendingMigrations } from "./migration-sql.ts";

/** Which schema of which database `migrate` brings up to date. */
export interface MigrateOptions {
  /** A connection URL, a pg Pool, or a pg Client with no transaction open. */
  readonly database: string | Pool | ClientBase;
  /** The schema to create or bring up to date; default `pillion`. */
  readonly schema?: string | undefined;
  /** The version to go to, for whoever takes an upgrade in pieces; default this release's. It never goes back. */
  readonly to?: number | undefined;
  /** Changes nothing, and answers what would be applied. */
  readonly dryRun?: boolean | undefined;
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
 * @throws InvalidConfigurationError when the schema's name cannot be used, the client has a transaction open, the
 *   database does not store UTF-8, or `to` is no version to go to
 */
export async function migrate({
  database,
  schema: name = defaults.schema,
  to = currentVersion,
  dryRun = false,
}: MigrateOptions): Promise<MigrateResult> {
  const schema = schemaOf(name);
  if (!Number.isInteger(to) || to < 1 || to > currentVersion)
    throw new InvalidConfigurationError(
      `migrate: to is ${show(to)}, not a whole number from 1 to ${currentVersion}, the version of this release.`,
    );
  const plan = { to, dryRun };
  if (typeof database === "string") {
    const client = new pg.Client({ connectionString: database });
    client.on("error", () => {});
    await client.connect();
    try {
      return await migrateOn(client, schema, plan);
    } finally {
      await client.end();
    }
  }
  if (!("totalCount" in database)) return migrateOn(database, schema, plan);
  const client = await database.connect();
  try {
    return await migrateOn(client, schema, plan);
  } finally {
    client.release();
  }
}

async function migrateOn(
  client: ClientBase,
  schema: ReturnType<typeof schemaOf>,
  { to, dryRun }: { readonly to: number; readonly dryRun: boolean },
): Promise<MigrateResult> {
  refuseOpenTransaction(client);
  try {
    await client.query(begin);
    await client.query("select pg_advisory_xact_lock(hashtextextended('pillion migrate ' || $1::text, 0))", [
      schema.name,
    ]);
    const encoding = await client.query("select current_setting('server_encoding') as encoding");
    if (encoding.rows[0].encoding !== "UTF8")
      throw new InvalidConfigurationError(
        `This database stores text as ${encoding.rows[0].encoding}; Pillion needs a database with ENCODING 'UTF8'.`,
      );
    const { exists, version: from } = await stateOf(client, schema);
    if (from > currentVersion) throw newerSchema(schema.name, from, currentVersion);
    if (to < from)
      throw new InvalidConfigurationError(
        `migrate: the schema "${schema.name}" is at version ${from} already, and migrate never goes back to ${to}. Nothing was changed.`,
      );
    const pending = pendingMigrations({ schema: schema.name, from, to });
    const result = { from, to, applied: pending.map((migration) => migration.name) };
    if (dryRun) {
      await client.query("rollback");
      return result;
    }
    // Even "if not exists" wants the right to create schemas, which the owner of this one may lack.
    if (!exists) await client.query(`create schema ${schema.quoted}`);
    for (const { sql } of pending) await client.query(sql);
    // The partitions that the first jobs to finish will need; later ones are made by the workers.
    if (pending.length > 0 && to === currentVersion) await client.query(`select from ${schema.keep}()`);
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch(() => {});
    throw error;
  }
}

// What a role or a database has set must not cut a migration short, nor change what its text means. One message, so
// that no timeout can strike between BEGIN and what turns it off. Postgres 17 brought transaction_timeout.
const begin = `begin isolation level read committed read write;
set local statement_timeout = 0;
set local lock_timeout = 0;
set local idle_in_transaction_session_timeout = 0;
set local search_path = pg_catalog;
set local standard_conforming_strings = on;
set local check_function_bodies = on;
select set_config('transaction_timeout', '0', true) where current_setting('transaction_timeout', true) is not null`;

function refuseOpenTransaction(client: ClientBase): void {
  // Since pg 8.21 a client can tell.
  const { getTransactionStatus } = client as { getTransactionStatus?(): string | null };
  if (["T", "E"].includes(getTransactionStatus?.call(client) ?? "I"))
    throw new InvalidConfigurationError(
      "migrate: this pg Client has a transaction open, and migrate commits its own. Pass a pool, a URL, or a client without one.",
    );
}

async function stateOf(
  client: ClientBase,
  schema: ReturnType<typeof schemaOf>,
): Promise<{ exists: boolean; version: number }> {
  const found = await client.query(
    "select to_regnamespace($1) is not null as exists, to_regclass($2) is not null as migrated",
    [schema.quoted, schema.migration],
  );
  const { exists, migrated } = found.rows[0];
  if (!migrated) return { exists, version: 0 };
  const { rows } = await client.query(
    `select coalesce(max(version), 0)::integer as version from ${schema.migration}`,
  );
  return { exists, version: rows[0].version };
}
