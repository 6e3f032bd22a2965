import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const installed = (name: string) =>
  realpathSync(fileURLToPath(new URL(`./node_modules/${name}`, import.meta.url)));

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
  const folder = mkdtempSync(join(tmpdir(), "shop-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(installed(orm), join(folder, "node_modules/drizzle-orm"));
  symlinkSync(installed(kit), join(folder, "node_modules/drizzle-kit"));
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
    migrations,
    /** Runs one command to its end. */
    run(...args: string[]): { exitCode: number | null; said: string } {
      const command = [join(folder, "node_modules/drizzle-kit/bin.cjs"), ...args];
      const done = spawnSync(process.execPath, command, { cwd: folder, encoding: "utf8" });
      return { exitCode: done.status, said: done.stdout + done.stderr };
    },
    /** All the SQL that is in its migrations. */
    sql: () =>
      (readdirSync(migrations, { recursive: true }) as string[])
        .filter((name) => name.endsWith(".sql"))
        .map((name) => readFileSync(join(migrations, name), "utf8"))
        .join("\n"),
  };
}
