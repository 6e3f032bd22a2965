import { defaults } from "../defaults.ts";
import { InvalidConfigurationError } from "../errors.ts";
import { schemaOf } from "../postgres/schema.ts";
import { migrateCommand } from "../postgres/schema-error.ts";
import { show } from "../show.ts";
import { type Migration, migrations } from "./migrations.ts";

/** The version of the schema that this release was made for. */
export const currentVersion: number = migrations.at(-1)!.version;

/** Which part of the migration, and for which schema. */
export interface MigrationSqlOptions {
  /** The schema to create or bring up to date; default `pillion`. */
  readonly schema?: string | undefined;
  /** The version that the schema has; default 0, no schema at all. */
  readonly from?: number | undefined;
  /** The version to go to; default this release's. */
  readonly to?: number | undefined;
}

/** Of all `known`, those after `from`, up to `to`, each for the named schema, with the line that records it. */
export function pendingMigrations(
  options: MigrationSqlOptions,
  known: readonly Migration[] = migrations,
): Migration[] {
  const { quoted } = schemaOf(options.schema ?? defaults.schema);
  return known
    .filter(
      ({ version }) => version > (options.from ?? 0) && version <= (options.to ?? Number.POSITIVE_INFINITY),
    )
    .map((migration) => ({
      ...migration,
      // A function as replacement: a schema's name may contain `$&`.
      sql: `${migration.sql.replaceAll(/\bpillion\./g, () => `${quoted}.`)}
insert into ${quoted}.migration (version, name) values (${migration.version}, '${migration.name}');
`,
    }));
}

/**
 * The migration as one SQL statement, to be put into a migration tool of your own. Whatever runs it, in a transaction or
 * not, does all or nothing. What the schema has already is left out, so that it may be repeated: by a tool that has
 * forgotten its own bookkeeping, or after `migrate`. On a schema that is older than `from` it fails and changes nothing.
 *
 * @throws InvalidConfigurationError for a schema's name that cannot be used, and a `from` or `to` that is no version
 */
export function migrationSql(options: MigrationSqlOptions = {}): string {
  const { schema: name = defaults.schema, from = 0, to = currentVersion } = options;
  const schema = schemaOf(name);
  for (const [option, version] of [
    ["from", from],
    ["to", to],
  ] as const)
    if (!Number.isInteger(version) || version < 0 || version > currentVersion)
      throw new InvalidConfigurationError(
        `migrationSql: ${option} is ${show(version)}, not a whole number from 0 to ${currentVersion}, the version of this release.`,
      );
  const steps = pendingMigrations({ schema: name, from, to }).map(
    ({ version, sql }) => `
  if version_before < ${version} then execute ${dollarQuoted(`\n${sql}`, `pillion_${version}`)};
  end if;
`,
  );
  const before =
    from === 0
      ? `if to_regnamespace('${schema.quoted}') is null then
    create schema ${schema.quoted};
  end if;`
      : `if version_before < ${from} then
    raise exception using
      message = ${literal(`The schema "${name}" is at version `)} || version_before || '; this migration takes it from version ${from} to ${to}. Nothing was changed.',
      hint = ${literal(`Run the migrations that come before it first, or: ${migrateCommand(name)}`)};
  end if;`;
  const body = `
declare
  version_before integer := 0;
begin
  if current_setting('server_encoding') <> 'UTF8' then
    raise exception 'This database stores text as %; Pillion needs a database with ENCODING ''UTF8''.', current_setting('server_encoding');
  end if;
  perform pg_advisory_xact_lock(hashtextextended('pillion migrate ' || '${name}', 0));
  if to_regclass('${schema.migration}') is not null then
    select coalesce(max(m.version), 0) into version_before from ${schema.migration} m;
  end if;
  ${before}
${steps.join("")}
${to === currentVersion ? firstPartitions(schema.keep, to) : ""}end `;
  return `-- Pillion's jobs in the schema ${schema.quoted}, from version ${from} to ${to}. What is there already is left as it is.
do ${dollarQuoted(body, "pillion")};
`;
}

/** The partitions that the first jobs to finish will need; later ones are made by the workers. */
const firstPartitions = (keep: string, version: number) => `  if version_before < ${version} then
    perform ${keep}();
  end if;
`;

/** What removes the queue again, with all its jobs. */
export function removalSql(options: { readonly schema?: string | undefined } = {}): string {
  return `drop schema if exists ${schemaOf(options.schema ?? defaults.schema).quoted} cascade;`;
}

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** Text in a pair of dollar quotes that does not occur in it. */
function dollarQuoted(text: string, tag: string): string {
  let quote = `$${tag}$`;
  for (let n = 1; text.includes(quote); n++) quote = `$${tag}_${n}$`;
  return `${quote}${text}${quote}`;
}
