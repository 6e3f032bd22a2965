import { scratchSchema } from "@pillion/dev-postgres";
import pg from "pg";
import { afterAll, expect, inject, onTestFinished, test } from "vitest";
import { pillion } from "./pillion.ts";

const url = inject("databaseUrl");
const pool = new pg.Pool({ connectionString: url });
afterAll(() => pool.end());

/** An empty schema for one test. */
async function ownSchema(): Promise<string> {
  const schema = await scratchSchema(url, "cli");
  onTestFinished(() => schema.drop());
  return schema.name;
}

async function tablesOf(schema: string): Promise<string[]> {
  const { rows } = await pool.query("select tablename from pg_tables where schemaname = $1 order by 1", [
    schema,
  ]);
  return rows.map((row) => row.tablename);
}

test("migrate creates the tables, and a second time finds nothing to do", async () => {
  const schema = await ownSchema();
  const first = await pillion(["migrate", "--database", url, "--schema", schema, "--json"]);
  expect(first).toMatchObject({ exitCode: 0, stderr: "" });
  expect(JSON.parse(first.stdout)).toMatchObject({
    schema,
    from: 0,
    applied: expect.arrayContaining(["jobs"]),
  });
  expect(await tablesOf(schema)).toContain("job");

  const second = await pillion(["migrate", "--schema", schema], { DATABASE_URL: url });
  expect(second).toMatchObject({ exitCode: 0, stderr: "" });
  expect(second.stdout).toMatch(/^done: schema \S+ is up to date \(version \d+\)\.\n$/);
});

test("migrate --dry-run says what it would do, and --to goes no further than that version", async () => {
  const schema = await ownSchema();
  const migrate = (...args: string[]) => pillion(["migrate", ...args, "--database", url, "--schema", schema]);
  expect((await migrate("--dry-run", "--to", "3")).stdout).toBe(
    `Schema ${schema} would go from version 0 to 3 (jobs, transaction_guard, enqueue). Nothing was changed.\n`,
  );
  expect(await tablesOf(schema)).toEqual([]);
  expect(JSON.parse((await migrate("--to", "2", "--json")).stdout)).toMatchObject({ from: 0, to: 2 });
  expect(JSON.parse((await migrate("--to", "3", "--dry-run", "--json")).stdout)).toEqual({
    schema,
    from: 2,
    to: 3,
    applied: ["enqueue"],
    dryRun: true,
  });
  expect(await migrate("--to", "1")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/^error: .* at version 2 already, and migrate never goes back to 1\..*\n$/),
  });
  for (const to of ["99", "0", "two"])
    expect(await migrate("--to", to)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(`--to ${to} `),
    });
});

test("of several migrate commands at once, one does the work and the others find it done", async () => {
  const schema = await ownSchema();
  const all = await Promise.all(
    Array.from({ length: 4 }, () =>
      pillion(["migrate", "--schema", schema, "--json"], { DATABASE_URL: url }),
    ),
  );
  const answers = all.map(({ stdout }) => JSON.parse(stdout));
  expect(answers.map(({ to }) => to)).toEqual(Array(4).fill(answers[0].to));
  expect(answers.filter(({ applied }) => applied.length > 0)).toHaveLength(1);
});

test("a schema's name may hold capitals, spaces and double quotes", async () => {
  const schema = `Pillion "Jobs" of ${await ownSchema()}`;
  onTestFinished(async () => void (await pool.query(`drop schema ${pg.escapeIdentifier(schema)} cascade`)));
  expect(await pillion(["migrate", "--database", url, "--schema", schema])).toMatchObject({ exitCode: 0 });
  expect(await tablesOf(schema)).toContain("job");
});

test("migrate --print prints what migrate would run, and needs no database", async () => {
  const schema = await ownSchema();
  const printed = await pillion(["migrate", "--print", "--schema", schema], {
    DATABASE_URL: "postgres://127.0.0.1:1/x",
  });
  expect(printed).toMatchObject({ exitCode: 0, stderr: "" });
  expect(await tablesOf(schema)).toEqual([]);

  await pool.query(printed.stdout);
  const after = await pillion(["migrate", "--database", url, "--schema", schema, "--json"]);
  expect(JSON.parse(after.stdout)).toMatchObject({ applied: [] });
  const asJson = await pillion(["migrate", "--print", "--json", "--schema", schema]);
  expect(JSON.parse(asJson.stdout)).toEqual({
    schema,
    tool: "sql",
    from: 0,
    to: expect.any(Number),
    text: expect.stringContaining(printed.stdout.trim()),
  });
});

test("a schema that is newer than the release is left alone: exit code 4", async () => {
  const schema = await ownSchema();
  await pillion(["migrate", "--database", url, "--schema", schema]);
  await pool.query(`insert into "${schema}".migration (version, name) values (9999, 'from the future')`);
  for (const print of [[], ["--print", "prisma", "--from", "database"]]) {
    const answer = await pillion(["migrate", ...print, "--database", url, "--schema", schema]);
    expect(answer).toMatchObject({ exitCode: 4, stdout: "" });
    expect(answer.stderr).toMatch(/^error: .* version 9999.*\n$/);
  }
});

test("a role without the right to create is told which right it lacks: exit code 5", async () => {
  const schema = await ownSchema();
  await pool.query(`create role "${schema}" login password 'only-for-this-test'`);
  onTestFinished(async () => void (await pool.query(`drop role "${schema}"`)));
  const asRole = new URL(url);
  asRole.username = schema;
  asRole.password = "only-for-this-test";
  const answer = await pillion(["migrate", "--database", asRole.href, "--schema", schema]);
  expect(answer).toMatchObject({ exitCode: 5, stdout: "" });
  expect(answer.stderr).toMatch(/^error: .*permission denied.* CREATE .*\n$/);
  expect(await tablesOf(schema)).toEqual([]);
});

const missing = new URL(url);
missing.password = "hunter2";
missing.pathname = "/no_such_database";
for (const [what, database, exitCode, message] of [
  ["a database that does not exist", missing.href, 3, /does not exist/],
  ["a port on which nobody listens", "postgres://u:hunter2@127.0.0.1:1/db", 3, /nobody listens/],
  ["a host that does not exist", "postgres://u:hunter2@nowhere.invalid/db", 3, /name is unknown/],
  ["a URL of another kind", "mysql://u:hunter2@127.0.0.1/db", 2, /not a Postgres URL/],
  ["a password that is not percent-encoded", "postgres://u:hunter2/@127.0.0.1:x/db", 2, /percent-encoded/],
  ["an empty URL", "", 2, /No database given/],
] as const)
  test(`${what} is one line without the password, and exit code ${exitCode}`, async () => {
    const answer = await pillion(["migrate", "--database", database]);
    expect(answer).toMatchObject({ exitCode, stdout: "" });
    expect(answer.stderr).toMatch(/^error: [^\n]+\n$/);
    expect(answer.stderr).toMatch(message);
    expect(answer.stderr).not.toContain("hunter2");
  });

for (const args of [["migrate", "--nonsense"], ["nonsense"], ["migrate"], ["migrate", "--schema", "it's"]])
  test(`\`pillion ${args.join(" ")}\` without DATABASE_URL is one line and exit code 2`, async () => {
    const answer = await pillion(args);
    expect(answer).toMatchObject({ exitCode: 2, stdout: "" });
    expect(answer.stderr).toMatch(/^error: [^\n]+\n$/);
  });

test("with --json an error is one JSON object on stderr", async () => {
  const answer = await pillion(["migrate", "--json", "--database", "postgres://127.0.0.1:1/db"]);
  expect(answer).toMatchObject({ exitCode: 3, stdout: "" });
  expect(JSON.parse(answer.stderr)).toEqual({
    error: { code: "CANNOT_CONNECT", exitCode: 3, message: expect.stringContaining("127.0.0.1:1") },
  });
});

test("help tells the exit codes, and the version is the package's", async () => {
  const help = await pillion(["--help"]);
  expect(help).toMatchObject({ exitCode: 0, stderr: "" });
  expect(help.stdout).toContain("Exit codes:");
  expect((await pillion(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
