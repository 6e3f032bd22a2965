import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { builtProgram } from "@pillion/dev-program";
import { folderWith, sqlIn } from "./folder.ts";

const require = createRequire(import.meta.url);
const wasm = join(dirname(require.resolve("@prisma/schema-engine-wasm")), "schema_engine_bg.wasm");

/** An application in whose folder `prisma` runs as users run it, with an engine that needs no network. */
export async function prismaCli(url: string, shadowDatabaseUrl: string, datamodel: string) {
  const folder = folderWith({ prisma: "prisma" });
  const engine = join(folder, "schema-engine");
  const program = await builtProgram(new URL("./prisma-engine.ts", import.meta.url));
  writeFileSync(engine, `#!/bin/sh\nexec ${process.execPath} ${program} ${wasm} "$@"\n`, { mode: 0o755 });
  writeFileSync(join(folder, "schema.prisma"), datamodel);
  const config = {
    schema: "schema.prisma",
    migrations: { path: "migrations" },
    datasource: { url, shadowDatabaseUrl },
  };
  writeFileSync(join(folder, "prisma.config.ts"), `export default ${JSON.stringify(config)};`);
  const migrations = join(folder, "migrations");
  return {
    migrations,
    /** Runs one command to its end. */
    run(...args: string[]): { exitCode: number | null; said: string } {
      const done = spawnSync(
        process.execPath,
        [join(folder, "node_modules/prisma/build/index.js"), ...args],
        {
          cwd: folder,
          encoding: "utf8",
          env: { ...process.env, CI: "1", PRISMA_SCHEMA_ENGINE_BINARY: engine, CHECKPOINT_DISABLE: "1" },
        },
      );
      return { exitCode: done.status, said: done.stdout + done.stderr };
    },
    /** All the SQL that is in its migrations. */
    sql: () => sqlIn(migrations),
  };
}
