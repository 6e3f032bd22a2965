import { styleText } from "node:util";
import { InvalidConfigurationError } from "@pillion/core";
import { currentVersion, migrate } from "@pillion/core/migrate";
import { type Command, Option } from "commander";
import { withDatabase } from "../connect.ts";
import { Failure } from "../failure.ts";
import { writeMigration } from "../migration-file.ts";
import { forms, type MigrationForm } from "../migration-forms.ts";
import { databaseCommand, type Shared } from "../options.ts";

interface Options extends Shared {
  readonly print?: keyof typeof forms;
  readonly from?: string;
  readonly out?: string;
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
    .addOption(
      new Option(
        "--print [tool]",
        "print the migration for that tool, and do nothing else; needs no database",
      )
        .choices(Object.keys(forms))
        .preset("sql")
        .conflicts("dryRun"),
    )
    .option(
      "--from <version>",
      "of --print: only what comes after it; `database`: after the database's version",
    )
    .option("--out <path>", "of --print: write into that file, or that folder of the tool's migrations")
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { database, schema, print, dryRun, json, from, out } = options;
  const target = options.to === undefined ? currentVersion : versionOf("--to", options.to, 1);
  if (print) return printed(options, print, target);
  if (from !== undefined || out !== undefined)
    throw new Failure("USAGE", 2, `${out === undefined ? "--from" : "--out"} goes with --print.`);
  const result = await withDatabase(database, (client) =>
    migrate({ database: client, schema, to: target, dryRun }),
  );
  const { to, applied } = result;
  if (json) {
    console.log(JSON.stringify({ schema, from: result.from, to, applied, ...(dryRun && { dryRun }) }));
    return;
  }
  if (dryRun) {
    console.log(
      applied.length > 0
        ? `Schema ${schema} would go from version ${result.from} to ${to} (${applied.join(", ")}). Nothing was changed.`
        : nothingToDo(schema, to),
    );
    return;
  }
  if (applied.length === 0) console.log(`${done()} schema ${schema} is up to date (version ${to}).`);
  else
    console.log(
      `${done()} schema ${schema} went from version ${result.from} to ${to} (${applied.join(", ")}).`,
    );
}

async function printed(
  { database, schema, json, from: given, out }: Options,
  tool: keyof typeof forms,
  to: number,
): Promise<void> {
  const form: MigrationForm = forms[tool];
  const from =
    given === "database"
      ? (await withDatabase(database, (client) => migrate({ database: client, schema, dryRun: true }))).from
      : given === undefined
        ? 0
        : versionOf("--from", given, 0);
  const migration = { schema, from, to, at: new Date() };
  const about = { schema, tool, from, to };
  if (from >= to) {
    // What was printed may be on its way into a file.
    if (json) console.log(JSON.stringify({ ...about, text: null }));
    else console.error(nothingToDo(schema, from));
    return;
  }
  if (out === undefined) {
    const text = form.text(migration);
    console.log(json ? JSON.stringify({ ...about, text }) : text.trimEnd());
    return;
  }
  const file = writeMigration(out, form, migration);
  if (json) console.log(JSON.stringify({ ...about, file }));
  else console.log(`${done()} wrote ${file} (version ${from} to ${to}). It is run by ${form.run}.`);
}

const done = () => styleText("green", "done:", { stream: process.stdout });

const nothingToDo = (schema: string, version: number) =>
  `Schema ${schema} is at version ${version}: there is nothing to do.`;

function versionOf(option: string, text: string, lowest: number): number {
  const version = Number(text);
  if (/^\d+$/.test(text) && version >= lowest && version <= currentVersion) return version;
  throw new InvalidConfigurationError(
    `${option} ${text} is no version of the schema, which are ${lowest} to ${currentVersion} in this release.`,
  );
}
