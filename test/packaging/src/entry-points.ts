import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What the installed packages can be imported by: `@pillion/core`, `@pillion/core/worker`, `@pillion/pg` … */
export function entryPoints(consumer: string, packageNames: readonly string[]): string[] {
  return packageNames.flatMap((name) => {
    const manifest = JSON.parse(readFileSync(join(consumer, "node_modules", name, "package.json"), "utf8"));
    return Object.keys(manifest.exports)
      .filter((path) => path !== "./package.json")
      .map((path) => `${name}${path.slice(1)}`);
  });
}
