import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { start } from "./pillion.ts";
import { emptyQueue, ownQueue, type Seeded } from "./seeded.ts";

/** `id state` of every job. */
async function states({ query }: Seeded): Promise<string> {
  const rows = await query(
    "select concat(id, ' ', state) as job from (select id, state from pillion.live union all select id, state from pillion.archive) j order by id",
  );
  return rows.map(({ job }) => job).join(", ");
}

const before = "1 completed, 2 dead, 3 dead, 4 ready, 5 ready, 6 scheduled, 7 cancelled, 8 ready";

test("retry, cancel and reschedule change the jobs of their ids, and say how many", async () => {
  const queue = await ownQueue();
  expect(await states(queue)).toBe(before);
  expect(await queue.run("retry", "2", "7")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "done: 2 jobs brought back.
    ",
    }
  `);
  expect(await queue.run("retry", "2", "--json")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "{"count":0}
    ",
    }
  `);
  expect(await queue.run("cancel", "4", "8")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "done: 2 jobs cancelled.
    ",
    }
  `);
  expect(await queue.run("reschedule", "6", "--in", "0s", "--json")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "{"count":1}
    ",
    }
  `);
  expect(await queue.run("reschedule", "5", "--at", "2030-01-01T01:00:00+01:00")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "done: 1 job moved.
    ",
    }
  `);
  expect(await states(queue)).toBe(
    "1 completed, 2 ready, 3 dead, 4 cancelled, 5 scheduled, 6 ready, 7 ready, 8 cancelled",
  );
  const { stdout } = await queue.run("jobs", "--state", "scheduled", "--json");
  expect(JSON.parse(stdout).jobs).toMatchObject([{ id: "5", runAt: "2030-01-01T00:00:00.000Z" }]);
});

test("redrive, retry and reschedule take a filter, and a dry run changes nothing", async () => {
  const queue = await ownQueue();
  expect(await queue.run("redrive", "--all", "--dry-run")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "2 jobs would be brought back. Nothing was changed.
    ",
    }
  `);
  expect(await queue.run("retry", "--queue", "mail", "--dry-run", "--json")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "{"count":2,"dryRun":true}
    ",
    }
  `);
  expect(await queue.run("reschedule", "--queue", "mail", "--in", "1h", "--dry-run")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "3 jobs would be moved. Nothing was changed.
    ",
    }
  `);
  expect(await queue.run("cancel", "--name", "mail.send", "--dry-run")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "3 jobs would be cancelled. Nothing was changed.
    ",
    }
  `);
  expect(await queue.run("purge", "--queue", "mail", "--dry-run")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "3 jobs would be cancelled. Nothing was changed.
    ",
    }
  `);
  expect(await states(queue)).toBe(before);
  expect(await queue.run("redrive", "--header", "tenant=7")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "done: 1 job brought back.
    ",
    }
  `);
  expect(await queue.run("redrive", "--queue", "mail", "--json")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "{"count":1}
    ",
    }
  `);
  expect(await states(queue)).toBe(before.replace("2 dead, 3 dead", "2 ready, 3 ready"));
});

test("a purge names the count and waits for a yes; anything else, and no answer, changes nothing", async () => {
  const queue = await ownQueue();
  expect(await queue.answer("no\n", "purge", "--queue", "mail")).toMatchInlineSnapshot(`
    {
      "exitCode": 7,
      "stderr": "3 waiting jobs of queue "mail" will be cancelled; in the archive they stay. Go on? [y/N] 
    error: Not confirmed, and nothing was changed.
    ",
      "stdout": "",
    }
  `);
  expect(await queue.answer("", "purge", "--queue", "mail", "--json")).toMatchInlineSnapshot(`
    {
      "exitCode": 7,
      "stderr": "{"error":{"code":"NOT_CONFIRMED","message":"3 waiting jobs of queue \\"mail\\" will be cancelled; in the archive they stay. Pass --yes for that. Nothing was changed.","exitCode":7}}
    ",
      "stdout": "",
    }
  `);
  expect(await queue.answer("", "cancel", "--queue", "mail")).toMatchInlineSnapshot(`
    {
      "exitCode": 7,
      "stderr": "3 jobs, waiting or running, will be cancelled. Go on? [y/N] 
    error: Nobody answered, and nothing was changed. Pass --yes in a script.
    ",
      "stdout": "",
    }
  `);
  expect(await states(queue)).toBe(before);
  expect(await queue.answer("y\n", "purge", "--queue", "mail")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "3 waiting jobs of queue "mail" will be cancelled; in the archive they stay. Go on? [y/N] 
    ",
      "stdout": "done: 3 jobs cancelled.
    ",
    }
  `);
  expect(await queue.run("purge", "--queue", "mail")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "Nothing to do: there are no such jobs.
    ",
    }
  `);
  expect(await queue.run("cancel", "--queue", "uploads", "--yes", "--json")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "{"count":1}
    ",
    }
  `);
  expect(await states(queue)).toBe(
    "1 completed, 2 dead, 3 dead, 4 cancelled, 5 cancelled, 6 cancelled, 7 cancelled, 8 cancelled",
  );
});

/** A purge of 20,001 jobs that is in its second batch, where it waits until `release` is called. */
async function halfWayPurge(env?: Readonly<Record<string, string>>) {
  const queue = await ownQueue(emptyQueue);
  await queue.query(
    "insert into pillion.job (name, queue, payload) select 'many', 'many', '1' from generate_series(1, 20001)",
  );
  const holder = await queue.pool.connect();
  onTestFinished(() => holder.release());
  await holder.query("begin");
  await holder.query(`select from "${queue.schema}".job where id = 10002 for update`);
  const purge = await start(["purge", "--queue", "many", "--yes", ...queue.place], env);
  for (;;) {
    const [waiting] = await queue.query(
      "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%cancel%'",
    );
    if (waiting) return { queue, purge, process: waiting.pid, release: () => holder.query("commit") };
  }
}
const left = ({ query }: Seeded) => query("select count(*)::int as jobs from pillion.job");

test("on a terminal a bar tells how far long work has got", async () => {
  const terminal = fileURLToPath(new URL("terminal.mjs", import.meta.url));
  const { queue, purge, release } = await halfWayPurge({ NODE_OPTIONS: `--import ${terminal}` });
  while (!purge.said.stderr.includes(" 10000 of 20001 jobs cancelled"))
    await new Promise((done) => purge.child.stderr.once("data", done));
  await release();
  expect(await purge.ended).toMatchObject({ exitCode: 0, stdout: "done: 20,001 jobs cancelled.\n" });
  expect(await left(queue)).toEqual([{ jobs: 0 }]);
});

test("Ctrl-C ends work on many jobs between two batches, and tells how far it got", async () => {
  const { queue, purge, release } = await halfWayPurge();
  purge.child.kill("SIGINT");
  while (!purge.said.stderr.includes("Stopping"))
    await new Promise((done) => purge.child.stderr.once("data", done));
  await release();
  expect(await purge.ended).toMatchInlineSnapshot(`
    {
      "exitCode": 130,
      "stderr": "
    Stopping after the batch under way; Ctrl-C once more leaves without waiting for it.
    error: Stopped: 20,000 jobs cancelled, the others are as they were.
    ",
      "stdout": "",
    }
  `);
  expect(await left(queue)).toEqual([{ jobs: 1 }]);
});

test("a connection that breaks meanwhile is one line that tells how far it got, and exit code 3", async () => {
  const { queue, purge, process, release } = await halfWayPurge();
  await queue.query("select pg_terminate_backend($1)", [process]);
  expect(await purge.ended).toMatchInlineSnapshot(`
    {
      "exitCode": 3,
      "stderr": "error: The connection to the database broke: terminating connection due to administrator command. By then 10,000 jobs had been cancelled.
    ",
      "stdout": "",
    }
  `);
  await release();
  expect(await left(queue)).toEqual([{ jobs: 10_001 }]);
});
