import { createRequire } from "node:module";
import { join } from "node:path";
import ts from "typescript";
import { expect, inject, test } from "vitest";
import { entryPoints } from "./src/entry-points.ts";

const consumer = inject("consumer");
const declarations = entryPoints(
  consumer,
  inject("tarballs").map(({ name }) => name),
).map((entry) => ({
  entry,
  file: createRequire(join(consumer, "package.json"))
    .resolve(entry)
    .replace(/\.cjs$/, ".d.mts"),
}));
const program = ts.createProgram(
  declarations.map(({ file }) => file),
  { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, types: [] },
);
const checker = program.getTypeChecker();

test.each(declarations)(
  "every name that $entry exports, and each of its options, is explained",
  ({ file }) => {
    const names = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)!)!);
    expect(names.length).toBeGreaterThan(0);
    const unexplained = names.flatMap((name) => {
      const symbol = name.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(name) : name;
      const options = optionsOf(symbol).map(
        (option) => [`${name.getName()}.${option.getName()}`, option] as const,
      );
      return [[name.getName(), symbol] as const, ...options]
        .filter(([, documented]) => documented.getDocumentationComment(checker).length === 0)
        .map(([label]) => label);
    });
    expect(unexplained).toEqual([]);
  },
);

/** What may be left out of an object of this type. */
function optionsOf(symbol: ts.Symbol): ts.Symbol[] {
  if (!(symbol.flags & ts.SymbolFlags.Interface)) return [];
  return [...(symbol.members?.values() ?? [])].filter(
    (member) =>
      member.flags & ts.SymbolFlags.Optional &&
      // `never`: what a handle must not have, for the compiler alone.
      !(checker.getNonNullableType(checker.getTypeOfSymbol(member)).flags & ts.TypeFlags.Never),
  );
}
