import { sqlStateOf } from "../errors.ts";
import { commandOn, migrateCommand } from "../postgres/schema-error.ts";
import type { Finding } from "./finding.ts";

/** The finding that one check could not be made, and what lets it. */
export function cannotLook(name: string, error: unknown, schema: string): Finding {
  const state = sqlStateOf(error);
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: "CANNOT_LOOK",
    severity: "warning",
    what: `Not looked at: ${name}, because the database says: ${message} (SQLSTATE ${state}).`,
    why: "What is not looked at may be anything.",
    mend: mendOf(state, schema),
  };
}

function mendOf(state: string | undefined, schema: string): string {
  switch (state) {
    // Cancelled by statement_timeout, or by lock_timeout.
    case "57014":
    case "55P03":
      return commandOn(schema, "doctor --timeout 60s");
    case "42501":
      return `${commandOn(schema, "doctor")} --database <the URL of the role that owns the schema>`;
    // No such table, function or column.
    case "42P01":
    case "42883":
    case "42703":
      return migrateCommand(schema);
    default:
      return `Look into the server's log for SQLSTATE ${state}.`;
  }
}
