import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { defineConfig, type UserConfig } from "tsdown";

// Every published package: an entry point for each of its `exports`, ESM and CommonJS, with types for both.
// What dist/ must contain is what the packages' publishConfig says; the packaging tests hold the two together.
export default defineConfig(
  manifests().flatMap((file): UserConfig[] => {
    const manifest = JSON.parse(readFileSync(file, "utf8"));
    if (manifest.private) return [];
    const shared: UserConfig = {
      name: manifest.name,
      cwd: dirname(file),
      tsconfig: join(import.meta.dirname, "tsconfig.json"),
      hash: false,
      logLevel: "warn",
      failOnWarn: true,
      checks: { legacyCjs: false, pluginTimings: false },
      // What entry points share never takes the name of one of them.
      outputOptions: (options) => ({
        ...options,
        chunkFileNames: (chunk) => {
          const { chunkFileNames: named } = options;
          const name = typeof named === "function" ? named(chunk) : (named ?? "[name].js");
          return name.replace("[name]", "shared-[name]");
        },
      }),
    };
    const library = Object.values<string>(manifest.exports ?? {}).filter((path) => path.endsWith(".ts"));
    // What runs as a process of its own: a command, or the child that the conformance suite kills.
    const programs = ["src/main.ts", "src/child.ts"].filter((path) => existsSync(join(dirname(file), path)));
    return [
      ...(library.length > 0
        ? [{ ...shared, entry: named(library), format: ["esm", "cjs"] as const, dts: true }]
        : []),
      ...(programs.length > 0
        ? [{ ...shared, entry: named(programs), format: ["esm"] as const, dts: false }]
        : []),
    ] as UserConfig[];
  }),
);

function manifests(): string[] {
  return ["packages", "apps"]
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name, "package.json")))
    .filter((file) => existsSync(file));
}

/** `./src/worker/index.ts` becomes `worker`, `./src/index.ts` `index`. */
function named(paths: string[]): Record<string, string> {
  return Object.fromEntries(
    paths.map((path) => {
      const folder = basename(dirname(path));
      const file = basename(path, ".ts");
      return [file === "index" && folder !== "src" ? folder : file, path];
    }),
  );
}
