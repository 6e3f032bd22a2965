import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { migrate } from "@pillion/core/migrate";
import { scratchDatabase } from "@pillion/dev-postgres";
import { beforeAll, expect, inject, onTestFinished, test } from "vitest";
import { pillion } from "./pillion.ts";

let url: string;
beforeAll(async () => {
  const database = await scratchDatabase(inject("databaseUrl"), "settings");
  ({ url } = database);
  await migrate({ database: url });
  return database.drop;
});

/** What the doctor says in a folder that holds these files. */
async function doctorIn(files: Readonly<Record<string, string>>) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "shop-")));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const answer = await pillion(["doctor", "--database", url], {}, "", folder);
  expect(answer.stderr).toBe("");
  return answer;
}

const installed = (version: string) => ({
  "node_modules/drizzle-kit/package.json": JSON.stringify({
    name: "drizzle-kit",
    version,
    exports: { ".": "./index.js" },
  }),
  "node_modules/drizzle-kit/index.js": "",
});
const drizzle = (setting: string) =>
  `import { defineConfig } from "drizzle-kit";\n// schemaFilter: ["public"]\nexport default defineConfig({ dialect: "postgresql", ${setting} });\n`;
const prisma = (setting: string) => `datasource db {\n  provider = "postgresql"\n  ${setting}\n}\n`;

test("TOOL_SEES_QUEUE: drizzle-kit 1.0 without a schemaFilter, and the line that keeps it away", async () => {
  const files = { "drizzle.config.ts": drizzle(""), ...installed("1.0.0-rc.5") };
  const found = await doctorIn(files);
  expect(found.exitCode).toBe(10);
  expect(found.stdout).toMatch(/^warning TOOL_SEES_QUEUE\n {2}drizzle\.config\.ts has no schemaFilter: /);
  const [, setting] = /mend: (schemaFilter: .*,?) {2}#/.exec(found.stdout)!;
  const mended = await doctorIn({ ...files, "drizzle.config.ts": drizzle(setting!) });
  expect(mended).toMatchObject({ exitCode: 0, stdout: expect.not.stringContaining("TOOL_SEES_QUEUE") });
});

test("TOOL_SEES_QUEUE: a Prisma datasource that lists the queue's schema, and the list without it", async () => {
  const files = { "prisma/schema.prisma": prisma('schemas = ["public", "pillion"]') };
  const found = await doctorIn(files);
  expect(found.exitCode).toBe(10);
  expect(found.stdout).toMatch(/lists the queue's schema, "pillion"\.\n.*`prisma db push`/);
  const [, setting] = /mend: (schemas = .*) {2}#/.exec(found.stdout)!;
  expect(setting).toBe('schemas = ["public"]');
  expect(await doctorIn({ "prisma/schema.prisma": prisma(setting!) })).toMatchObject({ exitCode: 0 });
});

test.each([
  ["a name", "drizzle.config.ts", drizzle('schemaFilter: ["public", "pillion"]')],
  ["one pattern", "drizzle.config.js", drizzle("schemaFilter: '*'")],
  ["all but another", "drizzle.config.mts", drizzle('schemaFilter: ["!billing"]')],
  ["a pattern", "drizzle.config.json", '{ "dialect": "postgresql", "schemaFilter": ["pil*"] }'],
  ["a list", "schema.prisma", prisma('schemas = ["pillion"]')],
  ["a list of lines", "prisma/schema/shop.prisma", prisma('schemas  = [\n    "public",\n    "pillion"\n  ]')],
])("TOOL_SEES_QUEUE: %s in %s", async (_, file, text) => {
  const { exitCode, stdout } = await doctorIn({ [file]: text, ...installed("0.31.11") });
  expect(stdout).toContain(file);
  expect(exitCode).toBe(10);
});

test.each([
  ["drizzle-kit 0.31 without a filter", "drizzle.config.ts", drizzle("")],
  ["other schemas", "drizzle.config.ts", drizzle('schemaFilter: ["public", "billing"]')],
  ["a name that is no pattern", "drizzle.config.ts", drizzle('schemaFilter: ["pillio.", "shop(1"]')],
  ["all but the queue's", "drizzle.config.ts", drizzle('schemaFilter: ["*", "!pillion"]')],
  ["what is computed", "drizzle.config.ts", drizzle("schemaFilter: mine")],
  ["another database", "drizzle.config.ts", 'export default { dialect: "sqlite" };'],
  ["a datasource without a list", "schema.prisma", prisma("")],
  ["a datasource of others", "schema.prisma", prisma('schemas = ["public", "pillion_reports"]')],
])("%s in %s is all right", async (_, file, text) => {
  const { exitCode, stdout } = await doctorIn({ [file]: text, ...installed("0.31.11") });
  expect(stdout).toMatch(/^all is well/);
  expect(exitCode).toBe(0);
});
