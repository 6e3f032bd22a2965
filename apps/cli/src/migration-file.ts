import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { Failure } from "./failure.ts";
import type { Migration, MigrationForm } from "./migration-forms.ts";

/**
 * Writes a migration where its tool finds it, and answers the file's name.
 *
 * @param out a file, or the folder of the tool's migrations
 * @throws Failure where there is a file already; only a migration that has nothing in it yet is written into
 */
export function writeMigration(out: string, form: MigrationForm, migration: Migration): string {
  let file = out;
  try {
    if (!isFile(out)) file = join(out, form.path?.(migration) ?? emptyMigrationIn(out));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, form.text(migration), { flag: isEmptyMigration(file) ? "w" : "wx" });
    return file;
  } catch (error) {
    if (error instanceof Failure) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EEXIST")
      throw new Failure("FILE_EXISTS", 2, `${file} is there already. Nothing was written: name another.`);
    throw new Failure("USAGE", 2, `Cannot write ${file}: ${message}.`);
  }
}

function isFile(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found ? found.isFile() : extname(path) !== "";
}

/** A SQL file that a tool has made to be written into: it has comments, if anything. */
function isEmptyMigration(file: string): boolean {
  if (!file.endsWith(".sql") || !statSync(file, { throwIfNoEntry: false })) return false;
  return readFileSync(file, "utf8").replaceAll(/--.*/g, "").trim() === "";
}

/** The newest migration of drizzle-kit's that has nothing in it yet: a file, since 1.0 in a folder of its own. */
function emptyMigrationIn(folder: string): string {
  const found = statSync(folder, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(folder) : [];
  const empty = found
    .map((name) => (name.endsWith(".sql") ? name : join(name, "migration.sql")))
    .filter((name) => isEmptyMigration(join(folder, name)));
  if (empty.length > 0) return empty.sort().at(-1)!;
  throw new Failure(
    "USAGE",
    2,
    `There is no empty migration in ${folder}. Let drizzle-kit make one: npx drizzle-kit generate --custom --name=pillion`,
  );
}
