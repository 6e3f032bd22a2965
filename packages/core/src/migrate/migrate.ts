import { setTimeout } from "node:timers/promises";
import pg, { type ClientBase, type Pool } from "pg";
import { defaults } from "../defaults.ts";
import { InvalidConfigurationError, SchemaLockedError, sqlStateOf } from "../errors.ts";
import { schemaOf } from "../postgres/schema.ts";
import { migrateCommand, newerSchema } from "../postgres/schema-error.ts";
import { show } from "../show.ts";
import { pendingMigrations } from "./migration-sql.ts";
import { type Migration, migrations } from "./migrations.ts";

/** Which schema of which database `migrate` brings up to date. */
export interface MigrateOptions {
  /** A connection URL, a pg Pool, or a pg Client with no transaction open. */
  readonly database: string | Pool | ClientBase;
  /** The schema to create or bring up to date; default `pillion`. */
  readonly schema?: string | undefined;
  /** The version to go to, for whoever takes an upgrade in pieces; default this release's. It never goes back. */
  readonly to?: number | undefined;
  /**
   * For how long it waits for a table that somebody else has open, before it lets go of all that it holds, so that nobody
   * waits behind it for longer; then it tries again. In milliseconds, 1 to 60,000; default 1,000.
   */
  readonly lockTimeoutMs?: number | undefined;
  /** For how long it tries, in milliseconds; default 60,000. */
  readonly patienceMs?: number | undefined;
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
 * @throws SchemaLockedError when somebody has held its tables for `patienceMs`: a report, a dump, a forgotten transaction
 * @throws InvalidConfigurationError when the schema's name cannot be used, the client has a transaction open, the
 *   database does not store UTF-8, or `to` is no version to go to
 */
export async function migrate(options: MigrateOptions): Promise<MigrateResult> {
  return migrateWith(migrations, options);
}

/** The same for a release that has these migrations. */
export async function migrateWith(
  known: readonly Migration[],
  {
    database,
    schema: name = defaults.schema,
    to = known.at(-1)!.version,
    lockTimeoutMs = 1_000,
    patienceMs = 60_000,
    dryRun = false,
  }: MigrateOptions,
): Promise<MigrateResult> {
  const schema = schemaOf(name);
  const last = known.at(-1)!.version;
  for (const [option, value, limit, what] of [
    ["to", to, last, ", the version of this release"],
    ["lockTimeoutMs", lockTimeoutMs, 60_000, ""],
    ["patienceMs", patienceMs, 86_400_000, ""],
  ] as const)
    if (!Number.isInteger(value) || value < 1 || value > limit)
      throw new InvalidConfigurationError(
        `migrate: ${option} is ${show(value)}, not a whole number from 1 to ${limit}${what}.`,
      );
  const plan = { known, to, lockTimeoutMs, patienceMs, dryRun };
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

interface Plan {
  readonly known: readonly Migration[];
  readonly to: number;
  readonly lockTimeoutMs: number;
  readonly patienceMs: number;
  readonly dryRun: boolean;
}

async function migrateOn(
  client: ClientBase,
  schema: ReturnType<typeof schemaOf>,
  plan: Plan,
): Promise<MigrateResult> {
  refuseOpenTransaction(client);
  const begun = performance.now();
  for (;;) {
    try {
      return await migrateAtOnce(client, schema, plan);
    } catch (error) {
      // It did not get a lock, or somebody who waits for us has one that we wait for.
      if (!["55P03", "40P01"].includes(sqlStateOf(error) ?? "")) throw error;
      if (performance.now() - begun >= plan.patienceMs) throw await lockedBy(client, schema, plan, error);
    }
    // Whoever has waited behind us goes first.
    await setTimeout(plan.lockTimeoutMs * (0.5 + Math.random()));
  }
}

async function migrateAtOnce(
  client: ClientBase,
  schema: ReturnType<typeof schemaOf>,
  { known, to, lockTimeoutMs, dryRun }: Plan,
): Promise<MigrateResult> {
  const latest = known.at(-1)!.version;
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
    if (from > latest) throw newerSchema(schema.name, from, latest);
    if (to < from)
      throw new InvalidConfigurationError(
        `migrate: the schema "${schema.name}" is at version ${from} already, and migrate never goes back to ${to}. Nothing was changed.`,
      );
    const pending = pendingMigrations({ schema: schema.name, from, to }, known);
    const result = { from, to, applied: pending.map((migration) => migration.name) };
    if (dryRun) {
      await client.query("rollback");
      return result;
    }
    await client.query(`set local lock_timeout = ${lockTimeoutMs}`);
    // Even "if not exists" wants the right to create schemas, which the owner of this one may lack.
    if (!exists) await client.query(`create schema ${schema.quoted}`);
    for (const { sql } of pending) await client.query(sql);
    // The partitions that the first jobs to finish will need; later ones are made by the workers.
    if (pending.length > 0 && to === latest) await client.query(`select from ${schema.keep}()`);
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch(() => {});
    throw error;
  }
}

/** Who has had the schema's tables open for longest. */
async function lockedBy(
  client: ClientBase,
  schema: ReturnType<typeof schemaOf>,
  { patienceMs }: Plan,
  cause: unknown,
): Promise<SchemaLockedError> {
  const { rows } = await client.query(
    `select l.pid, coalesce(nullif(a.application_name, ''), 'no application name') as application,
       floor(date_part('epoch', clock_timestamp() - a.xact_start)) as seconds
     from pg_locks l join pg_class c on c.oid = l.relation left join pg_stat_activity a on a.pid = l.pid
     where l.granted and l.pid <> pg_backend_pid() and c.relnamespace = to_regnamespace($1)
       and l.database = (select oid from pg_database where datname = current_database())
     order by a.xact_start limit 1`,
    [schema.quoted],
  );
  const who = rows[0]
    ? `process ${rows[0].pid} (${rows[0].application}) has had a transaction open on them for ${rows[0].seconds ?? "?"} s`
    : "others had them";
  return new SchemaLockedError(
    `The tables of the schema "${schema.name}" are in use, and a migration needs them for a moment: ${who}. Nothing was ` +
      `changed, in ${Math.round(patienceMs / 1_000)} s of trying. When that has ended, or was ended by ` +
      `select pg_terminate_backend(<process>), run again: ${migrateCommand(schema.name)}`,
    cause,
  );
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
