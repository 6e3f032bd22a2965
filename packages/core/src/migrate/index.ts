export { type MigrateOptions, type MigrateResult, migrate } from "./migrate.ts";
export { currentVersion, type MigrationSqlOptions, migrationSql, removalSql } from "./migration-sql.ts";
