import { sqlStateOf } from "../errors.ts";
import { currentVersion } from "../migrate/migration-sql.ts";
import { newerSchema } from "../postgres/schema-error.ts";
import type { Link } from "../worker/link.ts";

/** @throws SchemaOutdatedError where the schema is not the one that this release was made for */
export async function checkSchema(link: Link): Promise<void> {
  let found: number;
  try {
    found = await link.checkVersion();
  } catch (error) {
    // Operators and enqueuers may act on jobs, and not look: what they may, the database will say.
    if (sqlStateOf(error) === "42501") return;
    throw error;
  }
  if (found > currentVersion) throw newerSchema(link.engine.schema.name, found, currentVersion);
}
