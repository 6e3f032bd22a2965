import { defaults } from "../defaults.ts";
import { SchemaOutdatedError, sqlStateOf } from "../errors.ts";

/** A missing table, function, column or schema: the one kind of database error that is wrapped. */
export function schemaErrorOf(error: unknown, schema: string): SchemaOutdatedError | undefined {
  const state = sqlStateOf(error);
  if (state === undefined || !["42P01", "42883", "42703", "42704", "3F000"].includes(state)) return undefined;
  const option = schema === defaults.schema ? "" : ` --schema ${JSON.stringify(schema)}`;
  return new SchemaOutdatedError(
    `The schema "${schema}" of this database is missing or does not fit this release of Pillion (SQLSTATE ${state}). ` +
      `Run: npx pillion migrate${option}`,
    error,
  );
}
