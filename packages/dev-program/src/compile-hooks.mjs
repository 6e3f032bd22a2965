import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = new URL("../node_modules/.cache/compiled/", import.meta.url);
mkdirSync(folder, { recursive: true });

/** Compiles what is TypeScript, and keeps it for the next process: that is what most of a start's time would go to. */
export async function load(url, context, next) {
  if (!url.endsWith(".ts")) return next(url, context);
  const source = readFileSync(fileURLToPath(url), "utf8");
  const kept = new URL(`${createHash("sha256").update(`${url}\n${source}`).digest("hex")}.mjs`, folder);
  return { format: "module", source: read(kept) ?? (await compile(url, source, kept)), shortCircuit: true };
}

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

async function compile(url, source, kept) {
  const { transform } = await import("esbuild");
  const { code } = await transform(source, {
    loader: "ts",
    format: "esm",
    target: `node${process.versions.node}`,
    sourcefile: fileURLToPath(url),
    sourcemap: "inline",
  });
  // Another process may read it at this moment.
  const whole = new URL(`${kept.href}.${process.pid}`);
  writeFileSync(whole, code);
  renameSync(whole, kept);
  return code;
}
