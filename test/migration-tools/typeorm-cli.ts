import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { folderWith } from "./folder.ts";

/** The generations of TypeORM, as they are installed here. */
export const generations = ["typeorm-0.3", "typeorm"] as const;

const dataSource = (options: object) => `import "reflect-metadata";
import { DataSource, EntitySchema } from "typeorm";

const Order = new EntitySchema({
  name: "Order",
  tableName: "orders",
  columns: { id: { type: "text", primary: true }, total: { type: "integer" } },
});
export default new DataSource({ type: "postgres", entities: [Order], migrations: ["migrations/*.ts"], ...${JSON.stringify(options)} });
`;

/** An application in whose folder `typeorm` runs as users of TypeScript run it. */
export function typeormCli(typeorm: (typeof generations)[number], url: string, settings: object = {}) {
  const folder = folderWith({ typeorm, "reflect-metadata": "reflect-metadata", pg: "pg", tsx: "tsx" });
  writeFileSync(join(folder, "data-source.ts"), dataSource({ url, ...settings }));
  const start = 'import source from "./data-source"; source.initialize().then(() => source.destroy());';
  writeFileSync(join(folder, "start.ts"), start);
  const run = (...args: string[]) => {
    const done = spawnSync(process.execPath, ["--import", "tsx", ...args], { cwd: folder, encoding: "utf8" });
    return { exitCode: done.status, said: done.stdout + done.stderr };
  };
  const migrations = join(folder, "migrations");
  mkdirSync(migrations);
  return {
    migrations,
    /** Runs one command on the data source to its end. */
    run: (command: string, ...args: string[]) =>
      run("node_modules/typeorm/cli.js", command, ...args, "-d", "data-source.ts"),
    /** Runs an application that connects, and ends. */
    start: () => run("start.ts"),
    /** All that is in its migrations. */
    code: () =>
      readdirSync(migrations)
        .map((file) => readFileSync(join(migrations, file), "utf8"))
        .join("\n"),
  };
}
