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
    mend:
      state === "57014"
        ? commandOn(schema, "doctor --timeout 60s")
        : state === "42501"
          ? `${commandOn(schema, "doctor")} --database <the URL of the role that owns the schema>`
          : migrateCommand(schema),
  };
}
