import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { migrations } from "../src/migrate/migrations.ts";

const folder = new URL("../sql/", import.meta.url);

test("the migrations that ship are the files of sql/, word for word", () => {
  const files = readdirSync(folder).filter((file) => /^\d{4}_/.test(file));
  expect(
    migrations.map(({ version, name, sql }) => [`${String(version).padStart(4, "0")}_${name}.sql`, sql]),
    "run `pnpm --filter @pillion/core embed-sql`",
  ).toEqual(files.sort().map((file) => [file, readFileSync(new URL(file, folder), "utf8")]));
});
