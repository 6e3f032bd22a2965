// Builds the page into ../generated/page.ts, a module of texts: the handler needs no folder of files beside it, wherever
// it is bundled. Does nothing where nothing has changed.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const target = join(here, "../generated/page.ts");
const types = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml; charset=utf-8",
};

const made = `// Of the sources ${stamp()}.`;
if (!existsSync(target) || !readFileSync(target, "utf8").startsWith(made)) {
  const { build } = await import("vite");
  const { output } = await build({ configFile: join(here, "vite.config.mjs") });
  const text = (/** @type {(typeof output)[number]} */ file) =>
    file.type === "chunk" ? file.code : Buffer.from(file.source).toString("utf8");
  const page = {
    html: text(output.find(({ fileName }) => fileName === "index.html")),
    files: Object.fromEntries(
      output
        .filter(({ fileName }) => fileName.startsWith("assets/"))
        .map((file) => [
          file.fileName.slice("assets/".length),
          { type: types[extname(file.fileName)], text: text(file) },
        ]),
    ),
  };
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(
    target,
    `${made}
/** The built page: \`%BASE%\` in it stands for the base path. The files are those of \`assets/\`, and never change. */
export const page: {
  readonly html: string;
  readonly files: Readonly<Record<string, { readonly type: string; readonly text: string }>>;
} = ${JSON.stringify(page, null, 2)};
`,
  );
}

/** What the page is made of: its sources, the contract with the server, the releases of what it is built with. */
function stamp() {
  const hash = createHash("sha256");
  const sources = readdirSync(here, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/node_modules/.test(entry.parentPath))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const file of [...sources, join(here, "../src/api.ts")]) hash.update(readFileSync(file));
  for (const name of ["preact", "uplot", "vite"])
    hash.update(readFileSync(createRequire(import.meta.url).resolve(`${name}/package.json`)));
  return hash.digest("hex");
}
