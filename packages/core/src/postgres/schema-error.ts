import { defaults } from "../defaults.ts";
import { SchemaOutdatedError, sqlStateOf } from "../errors.ts";

/** A missing table, function, column or schema: the one kind of database error that is wrapped. */
export function schemaErrorOf(error: unknown, schema: string): SchemaOutdatedError | undefined {
  const state = sqlStateOf(error);
  if (state === undefined || !["42P01", "42883", "42703", "42704", "3F000"].includes(state)) return undefined;
  return new SchemaOutdatedError(
    `The schema "${schema}" of this database is missing or does not fit this release of Pillion (SQLSTATE ${state}). ` +
      `Run: ${migrateCommand(schema)}`,
    error,
  );
}

/** The schema is of a later release, of which this one knows nothing. */
export function newerSchema(schema: string, found: number, known: number): SchemaOutdatedError {
  return new SchemaOutdatedError(
    `The schema "${schema}" is at version ${found}; this release of Pillion knows versions up to ${known}. Nothing was changed. Use a newer release of the package pillion.`,
  );
}

/** The command that brings the schema up to date, as a shell takes it. */
export function migrateCommand(schema: string): string {
  return commandOn(schema, "migrate");
}

/** A command on a schema, as a shell takes it. */
export function commandOn(schema: string, command: string): string {
  if (schema === defaults.schema) return `npx pillion ${command}`;
  // A shell reads these in double quotes; no schema's name contains a single one.
  return `npx pillion ${command} --schema ${/[$`"!]/.test(schema) ? `'${schema}'` : `"${schema}"`}`;
}
