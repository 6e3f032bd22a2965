import { existsSync, readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = fileURLToPath(new URL("../", import.meta.url));

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export interface Import {
  readonly kind: "node" | "file" | "package";
  /** As written; that of a file as its path from the root. */
  readonly specifier: string;
  /** The package's name, without what follows it. */
  readonly packageName?: string;
}

export interface SourceFile {
  /** From the root: `packages/core/src/statement.ts`. */
  readonly path: string;
  /** The folder of the package it belongs to. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** In any form, types too. */
  readonly imports: readonly Import[];
  /** The text of its string literals, and the pieces of its templates. */
  readonly strings: readonly string[];
}

/** Every TypeScript and JavaScript file that somebody wrote, in the packages of this repository. */
export const sources: readonly SourceFile[] = ["packages", "apps", "test"].flatMap((folder) =>
  sourcesIn(join(root, folder), undefined),
);

function sourcesIn(folder: string, outer: Pick<SourceFile, "folder" | "manifest"> | undefined): SourceFile[] {
  const file = join(folder, "package.json");
  const manifest = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Manifest) : undefined;
  const owner = manifest?.name ? { folder: relative(root, folder), manifest } : outer;
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return ["node_modules", "dist", "generated"].includes(entry.name) ? [] : sourcesIn(path, owner);
    return owner && /\.[mc]?[tj]s$/.test(entry.name) ? [read(path, owner)] : [];
  });
}

function read(file: string, owner: Pick<SourceFile, "folder" | "manifest">): SourceFile {
  const text = readFileSync(file, "utf8");
  return {
    ...owner,
    path: relative(root, file),
    imports: ts
      .preProcessFile(text, true, true)
      .importedFiles.map(({ fileName }) => importOf(fileName, file)),
    strings: stringsIn(ts.createSourceFile(file, text, ts.ScriptTarget.Latest)),
  };
}

function importOf(specifier: string, importer: string): Import {
  if (specifier.startsWith("."))
    return { kind: "file", specifier: relative(root, join(dirname(importer), specifier)) };
  if (specifier.startsWith("node:") || builtinModules.includes(specifier)) return { kind: "node", specifier };
  const parts = specifier.split("/");
  return {
    kind: "package",
    specifier,
    packageName: parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/"),
  };
}

function stringsIn(node: ts.Node): string[] {
  const own =
    ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)
      ? [node.text]
      : [];
  const inner: string[] = [];
  ts.forEachChild(node, (child) => void inner.push(...stringsIn(child)));
  return [...own, ...inner];
}
