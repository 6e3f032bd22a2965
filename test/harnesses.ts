import { existsSync, readdirSync } from "node:fs";
import type { Harness } from "@pillion/conformance";

/** The harnesses of every folder in `packages` that has a `test/harness.ts`: adding an ORM is adding a folder. */
export async function allHarnesses(packages = new URL("../packages/", import.meta.url)): Promise<Harness[]> {
  const files = readdirSync(packages)
    .sort()
    .map((folder) => new URL(`${folder}/test/harness.ts`, packages))
    .filter((file) => existsSync(file));
  const found = files.map(async (file) => {
    const { harnesses } = (await import(file.href)) as { harnesses?: Harness[] };
    if (!Array.isArray(harnesses)) throw new Error(`${file.pathname} exports no \`harnesses\``);
    return harnesses;
  });
  return (await Promise.all(found)).flat();
}

/** Of each ORM, driver and kind of transaction the newest release that is no candidate. */
export function newestReleases(harnesses: readonly Harness[]): Harness[] {
  const rank = ({ version }: Harness) => (version.includes("-") ? `0 ${version}` : `1 ${version}`);
  const newest = new Map<string, Harness>();
  for (const harness of harnesses) {
    const kind = JSON.stringify([harness.orm, harness.driver, harness.form]);
    const other = newest.get(kind);
    if (!other || rank(harness).localeCompare(rank(other), "en", { numeric: true }) > 0)
      newest.set(kind, harness);
  }
  return [...newest.values()];
}
