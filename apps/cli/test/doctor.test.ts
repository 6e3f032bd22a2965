import { fileURLToPath } from "node:url";
import { migrate } from "@pillion/core/migrate";
import { scratchDatabase } from "@pillion/dev-postgres";
import pg from "pg";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { pillion } from "./pillion.ts";

let url: string;
let pool: pg.Pool;
let drop: () => Promise<void>;
beforeAll(async () => {
  ({ url, drop } = await scratchDatabase(inject("databaseUrl"), "doctor"));
  await migrate({ database: url });
  pool = new pg.Pool({ connectionString: url, max: 1 });
});
afterAll(async () => {
  await pool.end();
  await drop();
});

test("doctor says quickly that all is well: exit code 0", async () => {
  const answer = await pillion(["doctor", "--application-database", url], { DATABASE_URL: url });
  expect(answer).toEqual({ exitCode: 0, stderr: "", stdout: "all is well: 19 checks, no finding.\n" });
  const { stdout } = await pillion(["doctor", "--database", url]);
  expect(stdout).toBe(
    "all is well: 18 checks, no finding.\nNot looked at: whether the application's database is the queue's.\n",
  );
});

test("a finding says what, why and what mends it, and the worst one decides on the exit code", async () => {
  await pool.query(`select pillion.enqueue('mail.' || chr(27) || '[31m', '1', '{"queue": "mail"}')`);
  await pool.query(`insert into pillion.queue (name, paused_at) values ('mail', now() - interval '3 days')`);
  await pool.query(`update pillion.job set run_at = now() - interval '1 hour'`);
  const doctor = (...args: string[]) => pillion(["doctor", "--database", url, ...args]);
  const critical = await doctor("--oldest", "30m");
  expect(critical).toMatchObject({ exitCode: 11, stderr: "" });
  expect(critical.stdout).toMatchInlineSnapshot(`
    "critical NO_WORKER
      Jobs wait, and no worker runs: none has for a month, if ever.
      why:  Nothing is run until one is started.
      mend: Start the process that calls \`worker.run()\`, and look into its log: docs/worker.md.

    info QUEUE_PAUSED
      The oldest job of queue "mail" (1, "mail.\\u001b[31m") has waited for 60 min: the queue was paused 3 days ago.
      why:  No job of a paused queue is started.
      mend: npx pillion resume mail

    not well: 17 checks, 1 critical, 1 info.
    Not looked at: whether the application's database is the queue's; names that nobody handles.
    "
  `);
  const json = await doctor("--json", "--oldest", "30m");
  expect(json).toMatchObject({ exitCode: 11, stderr: "" });
  const { findings, ...rest } = JSON.parse(json.stdout);
  expect(rest).toMatchObject({ schema: "pillion", severity: "critical" });
  expect(findings).toEqual(
    findings.map(() => ({
      code: expect.stringMatching(/^[A-Z_]+$/),
      severity: expect.stringMatching(/^(critical|warning|info)$/),
      what: expect.any(String),
      why: expect.any(String),
      mend: expect.any(String),
    })),
  );

  // A worker lives, but handles nothing of it.
  await pool.query(
    `insert into pillion.worker (label, queues, names, concurrency, lease_ms, started_at, heartbeat_at)
     values ('w', '{}', '{}', 1, 600000, now(), now())`,
  );
  expect(await doctor("--oldest", "2h")).toMatchObject({ exitCode: 10 });
  await pool.query(
    "update pillion.worker set queues = '{mail}', names = array(select name from pillion.job)",
  );
  const info = await doctor("--oldest", "30m");
  expect(info).toMatchObject({ exitCode: 0 });
  expect(info.stdout).toContain("info QUEUE_PAUSED");
  expect(info.stdout).toContain("all is well: 18 checks, 1 info.\n");
});

test("CLOCK_SKEW: a machine whose clock is wrong is told by how much", async () => {
  const clock = fileURLToPath(
    new URL("../../../packages/core/test/schedule/shifted-clock.mjs", import.meta.url),
  );
  const shifted = { NODE_OPTIONS: `--import ${clock}`, SHIFT_MS: "-3600000" };
  const { stdout } = await pillion(["doctor", "--json"], { DATABASE_URL: url, ...shifted });
  expect(JSON.parse(stdout).findings).toContainEqual(
    expect.objectContaining({
      code: "CLOCK_SKEW",
      severity: "warning",
      what: "This machine's clock is 60 min behind the database's.",
    }),
  );
});

for (const [what, args, exitCode, message] of [
  ["a duration that is none", ["--oldest", "soon"], 2, /--oldest soon is no duration/],
  [
    "another kind of URL",
    ["--application-database", "mysql://u:hunter2@h/d"],
    2,
    /^error: --application-database is not/,
  ],
  [
    "a server that is down",
    ["--application-database", "postgres://u:hunter2@127.0.0.1:1/d"],
    3,
    /127\.0\.0\.1:1/,
  ],
  ["a schema's name that cannot be", ["--schema", "it's"], 2, /schema name/],
] as const)
  test(`${what} is one line without the password, and exit code ${exitCode}`, async () => {
    const answer = await pillion(["doctor", ...args], { DATABASE_URL: url });
    expect(answer).toMatchObject({ exitCode, stdout: "" });
    expect(answer.stderr).toMatch(/^error: [^\n]+\n$/);
    expect(answer.stderr).toMatch(message);
    expect(answer.stderr).not.toContain("hunter2");
  });

test("its help tells the exit codes", async () => {
  const { stdout } = await pillion(["doctor", "--help"]);
  expect(stdout).toMatch(/10 {2}the worst finding is a warning\n *11 {2}a finding is critical/);
});
