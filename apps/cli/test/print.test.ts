import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scratchSchema } from "@pillion/dev-postgres";
import { expect, inject, onTestFinished, test } from "vitest";
import { pillion } from "./pillion.ts";

// What each tool makes of what is printed is tested with the tools themselves, in test/migration-tools.

const url = inject("databaseUrl");

function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "migrations-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What surrounds the SQL, and how the SQL begins; the time of writing is the same on every day. */
function frameOf(text: string): string {
  return text
    .replace(/(\ndo \$pillion\$).*\$pillion\$;/s, "$1 … $pillion$;")
    .replaceAll(/\d{13}/g, "1700000000000");
}

const golden: Record<string, string> = {
  sql: `-- Pillion's jobs in the schema pillion, from version 2 to 3. What is there already is left as it is.
do $pillion$ … $pillion$;
`,
  typeorm: `import type { MigrationInterface, QueryRunner } from "typeorm";

export class Pillion1700000000000 implements MigrationInterface {
  name = "Pillion1700000000000";

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(migration);
  }

  /** Jobs of the newer version are in the tables. */
  async down(): Promise<void> {
    throw new Error("Pillion's schema does not go back from version 3 to 2: restore a backup.");
  }
}

const migration = \`-- Pillion's jobs in the schema pillion, from version 2 to 3. What is there already is left as it is.
do $pillion$ … $pillion$;
\`;
`,
  kysely: `import { type Kysely, sql } from "kysely";

export async function up(db: Kysely<any>): Promise<void> {
  await sql.raw(migration).execute(db);
}

/** Jobs of the newer version are in the tables. */
export async function down(): Promise<void> {
  throw new Error("Pillion's schema does not go back from version 3 to 2: restore a backup.");
}

const migration = \`-- Pillion's jobs in the schema pillion, from version 2 to 3. What is there already is left as it is.
do $pillion$ … $pillion$;
\`;
`,
};
golden.drizzle = golden.prisma = golden.sql!;

for (const [tool, text] of Object.entries(golden))
  test(`--print ${tool} prints the migration as that tool wants it`, async () => {
    const printed = await pillion(["migrate", "--print", tool, "--from", "2", "--to", "3"]);
    expect(printed).toMatchObject({ exitCode: 0, stderr: "" });
    expect(frameOf(printed.stdout)).toBe(text);
  });

test("from an empty database, the forms that can go back remove the queue", async () => {
  for (const tool of ["typeorm", "kysely"]) {
    const { stdout } = await pillion(["migrate", "--print", tool, "--schema", "Job Queue"]);
    expect(stdout).toContain("/** Removes the queue, with all its jobs. */");
    expect(stdout).toContain('const removal = `drop schema if exists "Job Queue" cascade;`;');
  }
});

test("--out writes where the tool looks, names the file, and never writes over one", async () => {
  const folder = ownFolder();
  for (const [tool, pattern] of [
    ["sql", /^pillion_\d+\.sql$/],
    ["typeorm", /^\d{13}-Pillion\.ts$/],
    ["kysely", /^\d{13}_pillion\.ts$/],
    ["prisma", /^\d{14}_pillion$/],
  ] as const) {
    const out = join(folder, tool);
    const { stdout } = await pillion(["migrate", "--print", tool, "--out", out]);
    const [name] = readdirSync(out);
    expect(name).toMatch(pattern);
    const file = join(out, name!, tool === "prisma" ? "migration.sql" : "");
    expect(stdout).toMatch(/^done: wrote .* \(version 0 to \d+\)\. It is run by .*\.\n$/);
    expect(stdout).toContain(file.replace(/\/$/, ""));
  }
  const file = join(folder, "V7__pillion.sql");
  for (const exitCode of [0, 2])
    expect(await pillion(["migrate", "--print", "--out", file])).toMatchObject({ exitCode });
  writeFileSync(file, "-- mine\nselect 1;");
  expect(await pillion(["migrate", "--print", "--out", file])).toEqual({
    exitCode: 2,
    stdout: "",
    stderr: `error: ${file} is there already. Nothing was written: name another.\n`,
  });
  expect(readFileSync(file, "utf8")).toBe("-- mine\nselect 1;");
});

test("--out fills the empty migration that drizzle-kit or Prisma has made, and says where there is none", async () => {
  const folder = ownFolder();
  const fill = () => pillion(["migrate", "--print", "drizzle", "--out", folder]);
  expect(await fill()).toEqual({
    exitCode: 2,
    stdout: "",
    stderr: `error: There is no empty migration in ${folder}. Let drizzle-kit make one: npx drizzle-kit generate --custom --name=pillion\n`,
  });
  const files = ["0000_orders.sql", "0001_pillion.sql", "20260101000000_pillion/migration.sql"].map((name) =>
    join(folder, name),
  );
  mkdirSync(join(folder, "20260101000000_pillion"));
  writeFileSync(files[0]!, "create table orders ();");
  for (const file of files.slice(1)) {
    writeFileSync(file, "-- Custom SQL migration file, put your code below! --\n");
    expect(await fill()).toMatchObject({ exitCode: 0, stderr: "" });
    expect(readFileSync(file, "utf8")).toContain("do $pillion$");
  }
  expect(readFileSync(files[0]!, "utf8")).toBe("create table orders ();");
});

test("--from database goes on from what the database has, and says where there is nothing to do", async () => {
  const schema = await scratchSchema(url, "print");
  onTestFinished(() => schema.drop());
  const at = ["--database", url, "--schema", schema.name];
  const print = (...args: string[]) =>
    pillion(["migrate", "--print", "kysely", "--from", "database", ...args, ...at]);
  expect(JSON.parse((await print("--json")).stdout)).toMatchObject({ tool: "kysely", from: 0 });
  await pillion(["migrate", "--to", "2", ...at]);
  expect((await print("--to", "3")).stdout).toContain("from version 2 to 3");
  expect(await print("--to", "2")).toEqual({
    exitCode: 0,
    stdout: "",
    stderr: `Schema ${schema.name} is at version 2: there is nothing to do.\n`,
  });
  await pillion(["migrate", ...at]);
  expect(JSON.parse((await print("--json")).stdout)).toMatchObject({ text: null });
});

for (const [what, args, exitCode, message] of [
  [
    "a tool that is none",
    ["--print", "knex"],
    2,
    /knex.*Allowed choices are sql, drizzle, typeorm, kysely, prisma/,
  ],
  ["--print with --dry-run", ["--print", "sql", "--dry-run"], 2, /cannot be used with option '--dry-run'/],
  ["--from without --print", ["--from", "2"], 2, /--from goes with --print/],
  ["--out without --print", ["--out", "x.sql"], 2, /--out goes with --print/],
  ["a version that is none", ["--print", "--from", "99"], 2, /--from 99 is no version of the schema/],
  ["a folder that cannot be", ["--print", "--out", "/dev/null/x.sql"], 2, /Cannot write \/dev\/null\/x\.sql/],
  [
    "a server that nobody runs",
    ["--print", "prisma", "--from", "database", "--database", "postgres://127.0.0.1:1/db"],
    3,
    /nobody listens/,
  ],
] as const)
  test(`${what} is one line, and exit code ${exitCode}`, async () => {
    const answer = await pillion(["migrate", ...args]);
    expect(answer).toMatchObject({ exitCode, stdout: "" });
    expect(answer.stderr).toMatch(/^error: [^\n]+\n$/);
    expect(answer.stderr).toMatch(message);
  });
