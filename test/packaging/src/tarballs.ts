import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A published package, packed. */
export interface Tarball {
  readonly name: string;
  readonly version: string;
  readonly filename: string;
  /** The packages of this repository that it depends on. */
  readonly needs: readonly string[];
}

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** Builds every package that is published, and packs it into a folder, as publishing would. */
export function packAll(folder: string): Tarball[] {
  const node = (program: string, args: string[]) =>
    execFileSync(process.execPath, [program, ...args], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
  node("node_modules/tsdown/dist/run.mjs", []);
  const manifests = published();
  const only = manifests.flatMap(({ name }) => ["--filter", name]);
  const packed: Omit<Tarball, "needs">[] = JSON.parse(
    node("node_modules/pnpm/bin/pnpm.cjs", [
      "--recursive",
      ...only,
      "pack",
      "--json",
      "--pack-destination",
      folder,
    ]),
  );
  const names = new Set(manifests.map(({ name }) => name));
  return packed.map((tarball) => {
    const { dependencies = {} } = manifests.find(({ name }) => name === tarball.name)!;
    return { ...tarball, needs: Object.keys(dependencies).filter((name) => names.has(name)) };
  });
}

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}

function published(): Manifest[] {
  return ["packages", "apps"]
    .flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(root, folder, name)))
    .map((folder): Manifest => JSON.parse(readFileSync(join(folder, "package.json"), "utf8")))
    .filter((manifest) => !manifest.private);
}
