import { sqlStateOf } from "../../errors.ts";
import { currentVersion } from "../../migrate/migration-sql.ts";
import { migrations } from "../../migrate/migrations.ts";
import type { Schema } from "../../postgres/schema.ts";
import { migrateCommand } from "../../postgres/schema-error.ts";
import { type Row, sql } from "../../statement.ts";
import { many } from "../figures.ts";
import type { Finding } from "../finding.ts";
import { objectsOf, type SchemaObject } from "../objects.ts";
import type { Check, Patient } from "../patient.ts";

/** Which version the schema is at, and whether all that belongs to it is there. */
export const schemaCheck: Check = {
  name: "the schema's version",
  needs: "server",
  async look(patient) {
    const { name } = patient.schema;
    const found = await versionsOf(patient);
    const version = found.at(-1) ?? 0;
    const wanted = objectsOf(version || currentVersion);
    const missing = await patient.read(missingObjects(patient.schema), wanted);
    const migrate = migrateCommand(name);
    if (version === 0 && missing.length === wanted.length)
      return [
        {
          code: "SCHEMA_MISSING",
          severity: "critical",
          what: `There are no tables of Pillion in the schema "${name}" of this database.`,
          why: "Nothing can be enqueued, and no worker starts.",
          mend: migrate,
        },
      ];
    const gaps = migrations.filter((m) => m.version < version && !found.includes(m.version));
    if (missing.length > 0 || gaps.length > 0 || version === 0)
      return [
        half(
          patient.schema,
          version,
          missing,
          gaps.map((gap) => gap.version),
        ),
      ];
    if (version < currentVersion)
      return [
        {
          code: "SCHEMA_OLDER",
          severity: "critical",
          what: `The schema "${name}" is at version ${version}; this release of Pillion needs ${currentVersion}.`,
          why: "Workers of this release do not start.",
          mend: migrate,
        },
      ];
    if (version > currentVersion)
      return [
        {
          code: "SCHEMA_NEWER",
          severity: "warning",
          what: `The schema "${name}" is at version ${version}; this release of Pillion knows versions up to ${currentVersion}.`,
          why: "Applications go on, but this diagnosis does not know what is new.",
          mend: "npm install pillion@latest @pillion/core@latest",
        },
      ];
    return [];
  },
};

/** The migrations that were applied. */
const versions = (schema: Schema) => sql`
select m.version::text from ${schema.migration} m order by m.version`;

async function versionsOf({ read, schema }: Patient): Promise<number[]> {
  try {
    return (await read(versions(schema), undefined)).map(({ version }) => Number(version));
  } catch (error) {
    // No such table, or no such schema.
    if (["42P01", "3F000"].includes(sqlStateOf(error) ?? "")) return [];
    throw error;
  }
}

/** Those of the given objects that the schema does not have. */
const missingObjects = (schema: Schema) => sql<readonly SchemaObject[]>`
select w.kind, w.name
from json_to_recordset(${(objects) => JSON.stringify(objects)}::text::json) w(kind text, name text)
where not exists (
  select from pg_class c where c.relnamespace = to_regnamespace('${schema.quoted}')
    and c.relname = w.name and w.kind in ('table', 'view', 'sequence', 'index')
  union all
  select from pg_proc p where p.pronamespace = to_regnamespace('${schema.quoted}') and p.proname = w.name and w.kind = 'function'
  union all
  select from pg_type t where t.typnamespace = to_regnamespace('${schema.quoted}') and t.typname = w.name and w.kind = 'type'
  union all
  select from pg_trigger g join pg_class c on c.oid = g.tgrelid where c.relnamespace = to_regnamespace('${schema.quoted}')
    and g.tgname = w.name and w.kind = 'trigger')
order by w.kind, w.name`;

function half(schema: Schema, version: number, missing: readonly Row[], gaps: readonly number[]): Finding {
  const names = missing.slice(0, 5).map(({ kind, name }) => `${kind} ${name}`);
  const lacks = [
    ...(version === 0 ? ["the record of its migrations"] : []),
    ...(gaps.length > 0 ? [`the record of version ${gaps.join(", ")}`] : []),
    ...(missing.length > 0
      ? [`${many(missing.length, "object")} (${names.join(", ")}${missing.length > 5 ? ", …" : ""})`]
      : []),
  ];
  return {
    code: "SCHEMA_HALF",
    severity: "critical",
    what: `The schema "${schema.name}"${version ? ` says that it is at version ${version}, and` : ""} lacks ${lacks.join(" and ")}.`,
    why: "Somebody has dropped them, or a restore or a migration by hand has ended half-way: enqueues or workers fail.",
    mend: `${migrateCommand(schema.name)} --print  # shows how each is made; or restore the schema from a backup`,
  };
}
