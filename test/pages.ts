import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root folder. */
export const root = fileURLToPath(new URL("../", import.meta.url));

export interface Page {
  /** From the root: `docs/worker.md`. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly { readonly language: string; readonly code: string }[];
}

const inFolder = (folder: string, suffix: string) =>
  readdirSync(join(root, folder))
    .map((name) => `${folder}/${name}${suffix}`)
    .filter((path) => path.endsWith(".md") && existsSync(join(root, path)));

/** Every page that users read. */
export const pages: readonly Page[] = [
  ...inFolder(".", ""),
  ...inFolder("docs", ""),
  ...inFolder("packages", "/README.md"),
  ...inFolder("apps", "/README.md"),
].map((file) => {
  const text = readFileSync(join(root, file), "utf8");
  const fences = text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm);
  return {
    path: file.replace("./", ""),
    text,
    blocks: [...fences].map(([, language, code]) => ({ language: language!, code: code! })),
  };
});

/** The files that a page's TypeScript is copied from: compiled and, where they are programs, run. */
export function sourcesOf(page: Page): string[] {
  const [folder, name] = page.path.split("/");
  if (folder === "packages") return [`packages/${name}/example.ts`];
  if (folder === "CONTRIBUTING.md")
    return ["src/index.ts", "src/testing.ts", "test/harness.ts"].map((file) => `test/newcomer/${file}`);
  // Besides the first what is compiled only beside its own copy of an ORM, and in an application of Next.js.
  const examples =
    folder === "docs"
      ? ["test/docs", "packages/drizzle/test/docs", "test/browser/next/app/admin/jobs/[[...path]]"]
      : ["test/docs/readme"];
  return examples.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((file) => file.endsWith(".ts"))
      .map((file) => `${folder}/${file}`),
  );
}

export function linesOf(path: string): string[] {
  return readFileSync(join(root, path), "utf8").split("\n");
}
