import { styleText } from "node:util";
import { InvalidConfigurationError } from "@pillion/core";
import { currentVersion, migrate, migrationSql } from "@pillion/core/migrate";
import type { Command } from "commander";
import { withDatabase } from "../connect.ts";
import { databaseCommand, type Shared } from "../options.ts";

interface Options extends Shared {
  readonly print?: true;
  readonly dryRun?: true;
  readonly to?: string;
}

/** `pillion migrate`: creates the queue's schema, or brings it up to date. */
export function migrateCommand(): Command {
  return databaseCommand(
    "migrate",
    "Create the queue's tables, or bring them up to date. Safe to repeat, and to run by several at once.",
  )
    .option("--dry-run", "say what would be applied, and change nothing")
    .option("--to <version>", "go no further than this version; it never goes back")
    .option("--print", "print the SQL and do nothing else; needs no database")
    .action(run);
}

async function run({ database, schema, print, dryRun, json, ...options }: Options): Promise<void> {
  const target = versionOf(options.to);
  if (print) {
    const sql = migrationSql({ schema, to: target });
    console.log(json ? JSON.stringify({ schema, version: target, sql }) : sql.trimEnd());
    return;
  }
  const { from, to, applied } = await withDatabase(database, (client) =>
    migrate({ database: client, schema, to: target, dryRun }),
  );
  if (json) {
    console.log(JSON.stringify({ schema, from, to, applied, ...(dryRun && { dryRun }) }));
    return;
  }
  if (dryRun) {
    console.log(
      applied.length > 0
        ? `Schema ${schema} would go from version ${from} to ${to} (${applied.join(", ")}). Nothing was changed.`
        : `Schema ${schema} is at version ${to}: there is nothing to do.`,
    );
    return;
  }
  const done = styleText("green", "done:", { stream: process.stdout });
  if (applied.length === 0) console.log(`${done} schema ${schema} is up to date (version ${to}).`);
  else console.log(`${done} schema ${schema} went from version ${from} to ${to} (${applied.join(", ")}).`);
}

function versionOf(text: string | undefined): number {
  if (text === undefined) return currentVersion;
  const version = Number(text);
  if (/^\d+$/.test(text) && version >= 1 && version <= currentVersion) return version;
  throw new InvalidConfigurationError(
    `--to ${text} is no version of the schema, which are 1 to ${currentVersion} in this release.`,
  );
}
