import { afterAll, beforeAll, expect, test } from "vitest";
import { pillion } from "./pillion.ts";
import { type Seeded, seeded } from "./seeded.ts";

let queue: Seeded;
beforeAll(async () => {
  queue = await seeded();
});
afterAll(() => queue.drop());

/** One of each command, with arguments that are right. */
const commands: readonly string[][] = [
  ["status"],
  ["jobs"],
  ["job", "1"],
  ["retry", "2"],
  ["cancel", "4"],
  ["reschedule", "4", "--in", "1h"],
  ["redrive", "--all"],
  ["purge", "--queue", "mail", "--yes"],
  ["pause", "mail"],
  ["resume", "mail"],
  ["schedules"],
  ["schedules", "pause", "stock"],
  ["enqueue", "mail.send"],
  ["emit", "shipment.packed", "7"],
  ["tail"],
];

/** All that could have been changed. */
const everything = async () =>
  JSON.stringify(
    await Promise.all(
      ["job", "archive", "attempt", "queue", "schedule"].map((table) =>
        queue.query(`select * from pillion.${table} t order by t::text`),
      ),
    ),
  );

/** One clear line, the code, nothing on stdout, no stack, no password. */
async function refused(
  args: readonly string[],
  exitCode: number,
  message: RegExp,
  { database = queue.url, schema = queue.schema } = {},
) {
  const answer = await pillion([...args, "--database", database, "--schema", schema]);
  expect({ args, ...answer }).toMatchObject({ args, exitCode, stdout: "" });
  expect(answer.stderr).toMatch(/^error: [^\n]+\n$/);
  expect(answer.stderr).toMatch(message);
  expect(answer.stderr).not.toMatch(/hunter2|\.ts:|\.mjs:/);
}

test("a server that is down is one line, and exit code 3; a URL that is none is exit code 2", async () => {
  const down = { database: "postgres://u:hunter2@127.0.0.1:1/db" };
  await Promise.all(commands.map((args) => refused(args, 3, /127\.0\.0\.1:1\/db: nobody listens/, down)));
  const wrong = { database: "postgres://u:hunter2%@127.0.0.1/db" };
  await Promise.all(commands.map((args) => refused(args, 2, /not a Postgres URL/, wrong)));
});

test("a password that the server refuses is printed by no command, nor by --json", async () => {
  const wrong = new URL(queue.url);
  wrong.username = "no_such_role";
  wrong.password = "hunter2";
  await Promise.all(
    commands.map((args) => refused(args, 3, /role "no_such_role" does not exist/, { database: wrong.href })),
  );
  const { stderr } = await pillion(["status", "--json", "--database", wrong.href]);
  expect(JSON.parse(stderr).error).toMatchObject({ code: "CANNOT_CONNECT", exitCode: 3 });
  expect(stderr).not.toContain("hunter2");
});

test("a password that is right is printed nowhere either", async () => {
  const role = queue.name;
  await queue.query(`create role "${role}" superuser login password 'hunter2'`);
  const url = new URL(queue.url);
  url.username = role;
  url.password = "hunter2";
  for (const args of [["status"], ["job", "2", "--payload"], ["job", "999", "--json"], ["jobs", "--json"]])
    expect(
      JSON.stringify(await pillion([...args, "--database", url.href, "--schema", queue.schema])),
    ).not.toContain("hunter2");
  await queue.query(`drop role "${role}"`);
});

test("a schema that is missing is one line with the command that makes it, and exit code 4", async () => {
  const message =
    /^error: The schema "no_such_schema" .* Run: npx pillion migrate --schema "no_such_schema"\n$/;
  await Promise.all(commands.map((args) => refused(args, 4, message, { schema: "no_such_schema" })));
});

test("a schema that is newer or older than the tool is left alone: exit code 4", async () => {
  const before = await everything();
  await queue.query("insert into pillion.migration (version, name) values (9999, 'from the future')");
  await Promise.all(commands.map((args) => refused(args, 4, /is at version 9999; .* Use a newer release/)));
  await queue.query("delete from pillion.migration where version > 1");
  await refused(["redrive", "--all"], 4, /is at version 1; .* Run: npx pillion migrate/);
  expect(await everything()).toBe(before);
  await queue.query(
    "insert into pillion.migration (version, name) select n, 'again' from generate_series(2, $1::int) n",
    [queue.version],
  );
});

test.each<[what: string, args: string[], exitCode: number, message: RegExp]>([
  ["an id that does not exist", ["job", "999"], 6, /no job 999 /],
  [
    "an id that does not exist among others",
    ["retry", "2", "999", "3"],
    6,
    /no job 999 .*Nothing was changed/,
  ],
  ["the same of cancel", ["cancel", "999", "4"], 6, /no job 999 /],
  ["the same of reschedule", ["reschedule", "998", "999", "--in", "1m"], 6, /no job 998, 999 /],
  ["an id that is none", ["job", "mail.send"], 2, /"mail.send" is no job's id/],
  ["an id that is none, of a verb", ["cancel", "4", "-x"], 2, /unknown option '-x'/],
  ["an id of 19 digits", ["retry", "1234567890123456789"], 2, /no job's id/],
  ["a verb without jobs", ["cancel"], 2, /cancel: pass the ids of jobs, or a filter/],
  ["a purge of everything", ["purge", "--yes"], 2, /purge: pass .*a filter/],
  ["a redrive of everything that was not meant", ["redrive"], 2, /redrive: pass/],
  ["ids and a filter", ["retry", "2", "--queue", "mail"], 2, /ids or a filter, and not both/],
  ["an unknown state", ["jobs", "--state", "ded"], 2, /state is "ded", none of scheduled, ready/],
  [
    "a header without a value",
    ["jobs", "--header", "tenant"],
    2,
    /--header "tenant" is not of the form key=value/,
  ],
  ["a header that is no JSON", ["retry", "--header", "tenant:=seven"], 2, /--header tenant is not JSON/],
  ["an empty queue", ["purge", "--queue", ""], 2, /queue/],
  ["a limit that is too large", ["jobs", "--limit", "5000"], 2, /limit is 5000/],
  ["a limit that is no number", ["jobs", "--limit", "ten"], 2, /--limit ten is no whole number/],
  ["a page after no id", ["jobs", "--before", "x"], 2, /before is "x"/],
  ["no time", ["reschedule", "4"], 2, /pass --in or --at/],
  [
    "two times",
    ["reschedule", "4", "--in", "1h", "--at", "2030-01-01T00:00:00Z"],
    2,
    /--in or --at, and not both/,
  ],
  ["a duration that is none", ["reschedule", "4", "--in", "soon"], 2, /--in soon is no duration/],
  [
    "a time without its zone",
    ["reschedule", "4", "--at", "2030-01-01T00:00:00"],
    2,
    /no ISO time with its zone/,
  ],
  ["a payload that is no JSON", ["enqueue", "mail.send", "{to: 7}"], 2, /The payload is not JSON/],
  ["a job without a name", ["enqueue", ""], 2, /name/],
  ["a priority that is none", ["enqueue", "mail.send", "--priority", "5"], 2, /priority/],
  ["a schedule that does not exist", ["schedules", "run", "no such"], 6, /no schedule "no such"/],
  ["an option that does not exist", ["status", "--quiet"], 2, /unknown option '--quiet'/],
  ["an argument too many", ["status", "mail"], 2, /too many arguments/],
])("%s is one line, and nothing is changed", async (_, args, exitCode, message) => {
  const before = await everything();
  await refused(args, exitCode, message);
  expect(await everything()).toBe(before);
});

test("a role without a right is told how it gets it: exit code 5; an operator may act and not look", async () => {
  const role = `${queue.name}_role`;
  await queue.query(`create role "${role}" login`);
  const url = new URL(queue.url);
  url.username = role;
  try {
    await refused(["status"], 5, /permission denied.*pillion\.allow\('<role>', 'reader'\)/, {
      database: url.href,
    });
    await queue.query(`select pillion.allow($1, 'operator')`, [role]);
    await refused(["jobs"], 5, /permission denied/, { database: url.href });
    await refused(["purge", "--queue", "uploads"], 5, /permission denied/, { database: url.href });
    const run = (...args: string[]) => pillion([...args, "--database", url.href, "--schema", queue.schema]);
    expect(await run("retry", "2")).toMatchObject({ exitCode: 0, stdout: "done: 1 job brought back.\n" });
    expect(await run("pause", "mail")).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await run("purge", "--queue", "uploads", "--yes")).toMatchObject({ exitCode: 0 });
  } finally {
    await queue.query(`drop owned by "${role}"`);
    await queue.query(`drop role "${role}"`);
  }
});

test("what is in a job's name moves no cursor", async () => {
  const name = "evil\u001b[2J\u001b[31m\nname";
  await queue.query("insert into pillion.job (name, queue, payload) values ($1, $1, '1')", [name]);
  for (const args of [["jobs", "--limit", "1"], ["status"]]) {
    const { stdout } = await queue.run(...args);
    expect(stdout).toContain("evil\\u001b[2J\\u001b[31m\\nname");
    expect(stdout).not.toContain("\u001b");
  }
});

test("colours are for terminals, and for who asks for them: never with NO_COLOR", async () => {
  const place = ["jobs", ...queue.place];
  expect((await pillion(place, { FORCE_COLOR: "1" })).stdout).toContain("\u001b[");
  expect((await pillion(place, { NO_COLOR: "1" })).stdout).not.toContain("\u001b[");
});
