import { dirname, relative } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { pages, root, sourcesOf } from "./pages.ts";

test("nothing in the code that the pages show is of type any: the compiler has looked at all of it", () => {
  const files = [...new Set(pages.flatMap(sourcesOf))].map((file) => root + file).filter(ts.sys.fileExists);
  expect(files.length).toBeGreaterThan(10);
  const config = `${root}tsconfig.types.json`;
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(config, ts.sys.readFile).config,
    ts.sys,
    dirname(config),
  );
  const program = ts.createProgram(files, options);
  const checker = program.getTypeChecker();

  let looked = 0;
  const any: string[] = [];
  for (const file of files) {
    const source = program.getSourceFile(file)!;
    const visit = (node: ts.Node): void => {
      // The name of a type in an import, and a namespace before a dot, stand for no value.
      if (ts.isIdentifier(node) && !ts.isImportSpecifier(node.parent) && !ts.isQualifiedName(node.parent)) {
        looked++;
        const { line } = source.getLineAndCharacterOfPosition(node.getStart());
        if (checker.getTypeAtLocation(node).flags & ts.TypeFlags.Any)
          any.push(`${relative(root, file)}:${line + 1} ${node.text}`);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  expect(looked).toBeGreaterThan(500);
  expect(any).toEqual([]);
  // The compiler takes its time on a busy machine.
}, 300_000);
