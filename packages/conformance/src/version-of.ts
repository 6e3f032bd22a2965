import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The version of a package as the file at `moduleUrl` would import it, from its own package.json. An alias
 * (`"drizzle-orm-next": "npm:drizzle-orm@…"`) is named by the alias.
 */
export function versionOf(packageName: string, moduleUrl: string): string {
  let directory = dirname(fileURLToPath(moduleUrl));
  for (;;) {
    const manifest = join(directory, "node_modules", packageName, "package.json");
    if (existsSync(manifest))
      return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
    const parent = dirname(directory);
    if (parent === directory) throw new Error(`${packageName} is not installed for ${moduleUrl}`);
    directory = parent;
  }
}
