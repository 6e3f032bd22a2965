import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Tarball } from "./tarballs.ts";

/** Makes a project that has the tarballs and what they are used with, and nothing of this repository. */
export function makeConsumer(folder: string, tarballs: readonly Tarball[]): string {
  cpSync(fileURLToPath(new URL("../consumer/", import.meta.url)), folder, { recursive: true });
  const own = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const manifest = {
    name: "consumer",
    private: true,
    dependencies: {
      ...Object.fromEntries(tarballs.map(({ name, filename }) => [name, `file:${filename}`])),
      ...own.consumer,
    },
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest, undefined, 2));
  execFileSync("npm", ["install", "--no-audit", "--no-fund", "--no-package-lock", "--prefer-offline"], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  return folder;
}
