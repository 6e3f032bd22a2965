import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { scratchSchema } from "@pillion/dev-postgres";
import { expect, inject, onTestFinished, test } from "vitest";

const consumer = inject("consumer");

test("`pillion` tells the version that was installed", () => {
  const { version } = inject("tarballs").find(({ name }) => name === "pillion")!;
  expect(pillion("--version").trim()).toBe(version);
});

test("`pillion migrate` brings its SQL along: it creates the schema, and a second time finds it there", async () => {
  const url = inject("databaseUrl");
  const schema = await scratchSchema(url, "packaging");
  onTestFinished(() => schema.drop());
  const migrate = () => pillion("migrate", "--database", url, "--schema", schema.name, "--json");
  expect(JSON.parse(migrate())).toMatchObject({ from: 0, schema: schema.name });
  expect(JSON.parse(migrate())).toMatchObject({ applied: [] });
});

/** What npx runs. */
function pillion(...args: string[]): string {
  const command = join(consumer, "node_modules/.bin/pillion");
  return execFileSync(command, args, {
    cwd: consumer,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
}
