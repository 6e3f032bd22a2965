import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";

/**
 * Modules that Node loads as they are: what is TypeScript in few files, which the modules share, and packages from where
 * they lie. For programs that load others by their paths; a loader that compiles takes several times as long at each
 * start. Their folder goes with the process.
 *
 * @returns the URL of each, under the name of its source
 */
export async function builtModules<Name extends string>(
  sources: Readonly<Record<Name, string>>,
): Promise<Record<Name, string>> {
  const folder = mkdtempSync(join(tmpdir(), "pillion-modules-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const entries = Object.entries<string>(sources);
  await build({
    entryPoints: Object.fromEntries(entries.map(([name, url]) => [name, fileURLToPath(url)])),
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: `node${process.versions.node}`,
    // As Node resolves, which knows no "module".
    conditions: [],
    sourcemap: "inline",
    plugins: [whereItLies],
  });
  const built = entries.map(([name]) => [name, pathToFileURL(join(folder, `${name}.mjs`)).href]);
  return Object.fromEntries(built) as Record<Name, string>;
}

const whereItLies: Plugin = {
  name: "where it lies",
  setup({ onResolve, onLoad, resolve }) {
    onResolve({ filter: /^[^./]/ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
      if (pluginData === whereItLies || kind === "entry-point") return undefined;
      const found = await resolve(path, { kind, importer, resolveDir, pluginData: whereItLies });
      const compiled = found.external || found.errors.length > 0 || found.path.endsWith(".ts");
      return compiled ? found : { path: pathToFileURL(found.path).href, external: true };
    });
    onLoad({ filter: /\.ts$/ }, ({ path }) => ({
      loader: "ts",
      contents: readFileSync(path, "utf8").replaceAll(
        "import.meta.url",
        JSON.stringify(pathToFileURL(path).href),
      ),
    }));
  },
};
