import { expect, test } from "vitest";
import { type Import, type SourceFile, sources } from "./workspace.ts";

// Each test lists what breaks its rule, as `file -> import`.

const shipped = sources.filter(
  ({ path, folder, manifest }) => !manifest.private && path.startsWith(`${folder}/src/`),
);
const core = shipped.filter(({ manifest }) => manifest.name === "@pillion/core");
const conformance = shipped.filter(({ manifest }) => manifest.name === "@pillion/conformance");
const adapters = shipped.filter(
  ({ path, manifest }) => path.startsWith("packages/") && manifest.peerDependencies,
);
const adapterNames = new Set(adapters.map(({ manifest }) => manifest.name));
/** `test` may import anything. */
const outside = sources.filter(({ path }) => !path.startsWith("test/"));
/** What producers import: it must run where there is neither Node nor pg. Tests of applications run what workers do. */
const producerCore = core.filter(
  ({ path }) =>
    !/^packages\/core\/src\/(worker|migrate|admin|doctor|schedule|testing|encryption)\//.test(path),
);

test("a relative import stays in its package; a launcher alone, which runs before the install, goes by path", () => {
  expect(
    breaking(outside, ({ kind, specifier }, { folder, path }) => {
      if (kind !== "file" || specifier.startsWith(`${folder}/`)) return false;
      return !(path.endsWith("/launch.mjs") && specifier.startsWith("packages/dev-launch/"));
    }),
  ).toEqual([]);
});

test("a package of this repository is imported by an entry point that it exports", () => {
  const exported = new Map(
    sources.map(({ manifest }) => [manifest.name, Object.keys(manifest.exports ?? {})]),
  );
  expect(
    breaking(sources, ({ packageName = "", specifier }) => {
      const entry = `.${specifier.slice(packageName.length)}`;
      return exported.has(packageName) && !exported.get(packageName)!.includes(entry);
    }),
  ).toEqual([]);
});

test("what is published imports only what its package.json lists as dependencies or peers", () => {
  expect(
    breaking(shipped, ({ packageName }, { manifest }) => {
      const listed = { ...manifest.dependencies, ...manifest.peerDependencies };
      return packageName !== undefined && !(packageName in listed);
    }),
  ).toEqual([]);
});

test("core imports no package of this repository", () => {
  expect(core.length).toBeGreaterThan(10);
  expect(breaking(core, ({ packageName }) => packageName?.startsWith("@pillion/") ?? false)).toEqual([]);
});

test("core imports Node, pg and croner in worker, migrate, admin, doctor, schedule and encryption only, and nothing else imports those", () => {
  expect(producerCore.length).toBeGreaterThan(10);
  expect(
    breaking(
      producerCore,
      ({ kind, packageName, specifier }) =>
        kind === "node" ||
        packageName === "pg" ||
        packageName === "croner" ||
        /^packages\/core\/src\/(worker|migrate|admin|doctor|schedule|testing|encryption)\//.test(specifier),
    ),
  ).toEqual([]);
});

test("an adapter imports core and its own ORM, and nothing of Node", () => {
  expect([...adapterNames].length).toBeGreaterThanOrEqual(5);
  expect(
    breaking(adapters, ({ kind, packageName = "" }, { manifest }) => {
      if (kind === "package")
        return packageName !== "@pillion/core" && !(packageName in manifest.peerDependencies!);
      return kind === "node";
    }),
  ).toEqual([]);
});

test("conformance imports core, its own reader and Node, never an adapter", () => {
  expect(conformance.length).toBeGreaterThan(0);
  expect(
    breaking(
      conformance,
      ({ kind, packageName }) =>
        kind === "package" && packageName !== "@pillion/core" && packageName !== "pg",
    ),
  ).toEqual([]);
});

test("nothing imports test", () => {
  expect(
    breaking(
      outside,
      ({ packageName, specifier }) => packageName === "@pillion/test" || specifier.startsWith("test/"),
    ),
  ).toEqual([]);
});

function breaking(
  files: readonly SourceFile[],
  breaks: (imported: Import, file: SourceFile) => boolean,
): string[] {
  return files.flatMap((file) =>
    file.imports
      .filter((imported) => breaks(imported, file))
      .map((imported) => `${file.path} -> ${imported.specifier}`),
  );
}
