import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { folderWith, sqlIn } from "./folder.ts";

/** The generations of drizzle-kit, each with the drizzle-orm that it goes with. */
export const generations = [
  { kit: "drizzle-kit-0.31", orm: "drizzle-orm-0.45" },
  { kit: "drizzle-kit-1.0", orm: "drizzle-orm-1.0" },
] as const;

/** The model has the queue's view too, as `@pillion/drizzle/view` declares it. */
const schema = `import { integer, pgSchema, pgTable, text } from "drizzle-orm/pg-core";
export const orders = pgTable("orders", { id: text().primaryKey(), total: integer().notNull() });
export const jobs = pgSchema("pillion").view("jobs", { id: text().notNull() }).existing();
`;

/** An application with a table of its own, in a folder in which drizzle-kit runs as users run it, without a terminal. */
export function drizzleKit({ kit, orm }: (typeof generations)[number], url: string, settings: object = {}) {
  const folder = folderWith({ "drizzle-orm": orm, "drizzle-kit": kit });
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "schema.ts"), schema);
  const config = {
    dialect: "postgresql",
    schema: "./schema.ts",
    out: "./drizzle",
    dbCredentials: { url },
    ...settings,
  };
  writeFileSync(join(folder, "drizzle.config.ts"), `export default ${JSON.stringify(config)};`);
  const migrations = join(folder, "drizzle");
  return {
    folder,
    migrations,
    /** Runs one command to its end. */
    run(...args: string[]): { exitCode: number | null; said: string } {
      const command = [join(folder, "node_modules/drizzle-kit/bin.cjs"), ...args];
      const done = spawnSync(process.execPath, command, { cwd: folder, encoding: "utf8" });
      return { exitCode: done.status, said: done.stdout + done.stderr };
    },
    /** The model that `pull` has written. */
    pulled: () => readFileSync(join(migrations, "schema.ts"), "utf8"),
    /** All the SQL that is in its migrations. */
    sql: () => sqlIn(migrations),
  };
}
