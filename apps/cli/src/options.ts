import { defaults } from "@pillion/core";
import { Command } from "commander";

/** What every command that talks to a database takes. */
export interface Shared {
  readonly database?: string;
  readonly schema: string;
  readonly json?: true;
}

/** A command with the options that all share. */
export function databaseCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option("--database <url>", "the database's URL (default: the environment variable DATABASE_URL)")
    .option("--schema <name>", "the schema that holds the tables", defaults.schema)
    .option("--json", "answer with JSON, for scripts; errors too, on stderr");
}
