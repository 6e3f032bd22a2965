import { styleText } from "node:util";
import { defaults } from "@pillion/core";
import { currentVersion, migrate, migrationSql } from "@pillion/core/migrate";
import { Command } from "commander";
import { withDatabase } from "../connect.ts";

interface Options {
  readonly database?: string;
  readonly schema: string;
  readonly print?: true;
  readonly json?: true;
}

/** `pillion migrate`: creates the queue's schema, or brings it up to date. */
export function migrateCommand(): Command {
  return new Command("migrate")
    .description(
      "Create the queue's tables, or bring them up to date. Safe to repeat, and to run by several at once.",
    )
    .option("--database <url>", "the database's URL (default: the environment variable DATABASE_URL)")
    .option("--schema <name>", "the schema that holds the tables", defaults.schema)
    .option("--print", "print the SQL and do nothing else; needs no database")
    .option("--json", "answer with one JSON object")
    .action(run);
}

async function run({ database, schema, print, json }: Options): Promise<void> {
  if (print) {
    const sql = migrationSql({ schema });
    console.log(json ? JSON.stringify({ schema, version: currentVersion, sql }) : sql.trimEnd());
    return;
  }
  const { from, to, applied } = await withDatabase(database, (client) =>
    migrate({ database: client, schema }),
  );
  if (json) {
    console.log(JSON.stringify({ schema, from, to, applied }));
    return;
  }
  const done = styleText("green", "done:", { stream: process.stdout });
  if (applied.length === 0) console.log(`${done} schema ${schema} is up to date (version ${to}).`);
  else console.log(`${done} schema ${schema} went from version ${from} to ${to} (${applied.join(", ")}).`);
}
