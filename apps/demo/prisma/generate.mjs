// Makes the Prisma client of the demo, unless it is there already.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const schema = fileURLToPath(new URL("schema.prisma", import.meta.url));
const stamp = fileURLToPath(new URL("../generated/made-of", import.meta.url));
const manifest = createRequire(import.meta.url).resolve("prisma/package.json");
const made = `${JSON.parse(readFileSync(manifest, "utf8")).version}\n${readFileSync(schema, "utf8")}`;
if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== made) {
  // Prisma would download a schema engine, which generating does not need: any program passes for it.
  const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: "1" };
  const command = join(dirname(manifest), "build/index.js");
  const { status } = spawnSync(process.execPath, [command, "generate", "--schema", schema, "--no-hints"], {
    stdio: "inherit",
    env,
  });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(stamp, made);
}
