import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/**
 * Drops the scratch schemas and databases of this run that are still there. Synchronous, in a process of its own:
 * a listener of Ctrl-C can call it although the process ends as soon as it returns.
 */
export function dropScratch(url: string): void {
  const program = fileURLToPath(new URL("./drop-scratch.mjs", import.meta.url));
  // A test that still runs may hold a lock on what is to be dropped.
  spawnSync(process.execPath, [program, url], { stdio: ["ignore", "inherit", "inherit"], timeout: 30_000 });
}
