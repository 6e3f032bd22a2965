import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { describe, expect, inject, test } from "vitest";

const tarballs = inject("tarballs");

test("core, conformance, the adapters and the command are what is published", () => {
  expect(tarballs.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["@pillion/core", "@pillion/conformance", "@pillion/pg", "pillion"]),
  );
});

describe.each(tarballs)("$name", ({ filename }) => {
  const files = execFileSync("tar", ["-tzf", filename], { encoding: "utf8" }).trim().split("\n");
  const manifest = execFileSync("tar", ["-xzOf", filename, "package/package.json"], { encoding: "utf8" });

  test("holds its licence and a README", () => {
    const missing = ["LICENSE", "README.md"].filter((file) => !files.includes(`package/${file}`));
    expect(missing).toEqual([]);
  });

  test("holds no source and no test", () => {
    expect(files.filter((file) => /\/(src|test)\//.test(file) || /(?<!\.d)\.[mc]?ts$/.test(file))).toEqual(
      [],
    );
  });

  test("names its dependencies as the registry knows them", () => {
    expect(manifest).not.toMatch(/"(workspace|catalog|file|link):/);
  });

  test("publint finds nothing", async () => {
    const tarball = new Uint8Array(readFileSync(filename)).buffer;
    const { messages } = await publint({ strict: true, pack: { tarball } });
    expect(messages).toEqual([]);
  });
});

// In every way to resolve: by `exports` or without, from ESM and from CommonJS. A command has no types.
test.each(tarballs.filter(({ name }) => name !== "pillion"))(
  "arethetypeswrong finds nothing in $name",
  async ({ filename }) => {
    const result = await checkPackage(createPackageFromTarballData(readFileSync(filename)));
    expect(result.types).toBeTruthy();
    expect("problems" in result && result.problems).toEqual([]);
  },
);
