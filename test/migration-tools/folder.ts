import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const installed = (name: string) =>
  realpathSync(fileURLToPath(new URL(`./node_modules/${name}`, import.meta.url)));

/**
 * An application's folder for one test, removed at its end.
 *
 * @param packages what modules find there by their names, and under which name it is installed here
 */
export function folderWith(packages: Readonly<Record<string, string>>): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "shop-")));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, alias] of Object.entries(packages)) {
    const link = join(folder, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(installed(alias), link);
  }
  return folder;
}

/** All the SQL that is in a folder of migrations, in the order of their names. */
export const sqlIn = (folder: string): string =>
  (readdirSync(folder, { recursive: true }) as string[])
    .filter((name) => name.endsWith(".sql"))
    .sort()
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("\n");
