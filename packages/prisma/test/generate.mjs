// Generates the client of the Prisma package that it is run in, unless that is done already.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const manifest = createRequire(join(process.cwd(), "package.json")).resolve("prisma/package.json");
const made = `${JSON.parse(readFileSync(manifest, "utf8")).version}\n${readFileSync("schema.prisma", "utf8")}`;
const stamp = "generated/made-of";
if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== made) {
  // Prisma would download a schema engine, which generating does not need: any program passes for it.
  const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: "1" };
  const args = [
    join(dirname(manifest), "build/index.js"),
    "generate",
    "--schema",
    "schema.prisma",
    "--no-hints",
  ];
  const { status } = spawnSync(process.execPath, args, { env, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(stamp, made);
}
