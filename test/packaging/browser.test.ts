import { build } from "esbuild";
import { expect, inject, test } from "vitest";
import { entryPoints } from "./src/entry-points.ts";

const consumer = inject("consumer");
const packages = inject("tarballs").map(({ name }) => name);
// A producer defines jobs and enqueues them; the rest runs jobs, for a test too, serves those who do, is made of an ORM, or
// encrypts with Node.
const producers = entryPoints(consumer, packages).filter(
  (entry) => !/\/(worker|admin|migrate|conformance|testing|view|encryption|dashboard)$/.test(entry),
);

test.each(producers)("%s bundles for the browser without pg and without Node's modules", async (entry) => {
  const { metafile } = await bundle(`export * from ${JSON.stringify(entry)}`);
  const bundled = Object.keys(metafile.inputs).filter((path) => path !== "<stdin>");
  expect(bundled.length).toBeGreaterThan(0);
  // Instrumentation of producers stands on an API that is made for browsers too.
  const own = /^node_modules\/@(pillion|opentelemetry)\//;
  expect(bundled.filter((path) => !own.test(path))).toEqual([]);
  expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports)).toEqual([]);
});

test("an entry point with no name in use leaves nothing in the bundle", async () => {
  const { outputFiles } = await bundle(
    producers.map((entry) => `import ${JSON.stringify(entry)};`).join("\n"),
  );
  expect(outputFiles[0]!.text.trim()).toBe("");
});

test.each(entryPoints(consumer, packages))("%s awaits nothing while it loads", async (entry) => {
  // CommonJS has no top-level await: esbuild refuses to write one.
  await bundle(`export * from ${JSON.stringify(entry)}`, { platform: "node", format: "cjs" });
});

function bundle(contents: string, options: { platform?: "node"; format?: "cjs" } = {}) {
  return build({
    stdin: { contents, resolveDir: consumer },
    absWorkingDir: consumer,
    bundle: true,
    write: false,
    metafile: true,
    platform: "browser",
    format: "esm",
    external: options.platform ? ["pg"] : [],
    logLevel: "silent",
    ...options,
  });
}
