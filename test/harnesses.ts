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
