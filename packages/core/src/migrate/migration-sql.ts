import { defaults } from "../defaults.ts";
import { schemaOf } from "../postgres/schema.ts";
import { type Migration, migrations } from "./migrations.ts";

/** The version of the schema that this release was made for. */
export const currentVersion: number = migrations.at(-1)!.version;

/** Migrations after `from`, up to `to`, each for the named schema, with the line that records it. */
export function pendingMigrations(options: {
  schema?: string | undefined;
  from?: number | undefined;
  to?: number | undefined;
}): Migration[] {
  const { quoted } = schemaOf(options.schema ?? defaults.schema);
  return migrations
    .filter(({ version }) => version > (options.from ?? 0) && version <= (options.to ?? currentVersion))
    .map((migration) => ({
      ...migration,
      // A function as replacement: a schema's name may contain `$&`.
      sql: `${migration.sql.replaceAll(/\bpillion\./g, () => `${quoted}.`)}
insert into ${quoted}.migration (version, name) values (${migration.version}, '${migration.name}');
`,
    }));
}

/** The whole migration as one SQL text, to be pasted into a migration tool of your own. */
export function migrationSql(
  options: { schema?: string | undefined; from?: number | undefined; to?: number | undefined } = {},
): string {
  const { quoted } = schemaOf(options.schema ?? defaults.schema);
  const statements = pendingMigrations(options).map(({ sql }) => sql);
  return [...(options.from ? [] : [`create schema if not exists ${quoted};\n`]), ...statements].join("\n");
}
