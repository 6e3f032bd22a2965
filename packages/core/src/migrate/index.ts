export { type MigrateOptions, type MigrateResult, migrate } from "./migrate.ts";
export { currentVersion, migrationSql } from "./migration-sql.ts";
