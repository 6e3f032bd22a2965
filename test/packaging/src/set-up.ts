import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { makeConsumer } from "./consumer.ts";
import { packAll, type Tarball } from "./tarballs.ts";

declare module "vitest" {
  interface ProvidedContext {
    tarballs: readonly Tarball[];
    /** A folder outside this repository, in which the tarballs are installed. */
    consumer: string;
  }
}

/** Packs what is published once, and installs it in one folder, for all tests. */
export default function setup(project: TestProject): () => void {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "pillion-packaging-")));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  // Ctrl-C ends the process before Vitest asks for it.
  process.once("exit", remove);
  const tarballs = packAll(folder);
  project.provide("tarballs", tarballs);
  project.provide("consumer", makeConsumer(join(folder, "consumer"), tarballs));
  return remove;
}
