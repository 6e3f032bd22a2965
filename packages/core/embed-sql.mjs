// Writes sql/*.sql into src/migrate/migrations.ts, so that no file is read at run time and bundlers see the SQL.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

const folder = new URL("./sql/", import.meta.url);
const files = readdirSync(folder)
  .filter((file) => /^\d{4}_\w+\.sql$/.test(file))
  .sort();
const entries = files.map((file) => {
  const sql = readFileSync(new URL(file, folder), "utf8");
  return `  { version: ${Number(file.slice(0, 4))}, name: ${JSON.stringify(file.slice(5, -4))}, sql: ${JSON.stringify(sql)} },`;
});
writeFileSync(
  new URL("./src/migrate/migrations.ts", import.meta.url),
  `// Written by embed-sql.mjs from sql/*.sql: change those, and run it again.
// biome-ignore-all format: one line for each file
export interface Migration {
  readonly version: number;
  readonly name: string;
  /** The file's text, for the schema \`pillion\`. */
  readonly sql: string;
}

export const migrations: readonly Migration[] = [
${entries.join("\n")}
];
`,
);
