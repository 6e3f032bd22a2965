import { randomBytes } from "node:crypto";
import { defineJob, sqlStateOf, type } from "@pillion/core";
import { migrate } from "@pillion/core/migrate";
import { createWorker, handle } from "@pillion/core/worker";
import { scratchDatabase } from "@pillion/dev-postgres";
import { enqueue, enqueueMany, enqueueStandalone } from "@pillion/pg";
import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import { expect, inject, onTestFinished, test, vi } from "vitest";
import { tooLate } from "./docs/guard.ts";
import { pages } from "./pages.ts";

// What the pages show beside programs: SQL, and one thing that goes wrong.

const count = defineJob({ name: "index.rebuild", payload: type<unknown>() });

async function freshQueue(): Promise<{ pool: pg.Pool; url: string }> {
  const database = await scratchDatabase(inject("databaseUrl"), "docs");
  onTestFinished(() => database.drop());
  await migrate({ database: database.url });
  const pool = new pg.Pool({ connectionString: database.url });
  // Connections that are still closing when the database goes say so.
  pool.on("error", () => {});
  onTestFinished(() => pool.end());
  return { pool, url: database.url };
}

const sqlOf = (path: string) =>
  pages
    .find((page) => page.path === path)!
    .blocks.filter(({ language }) => language === "sql")
    .map(({ code }) => code);

test("the SQL that the page on jobs shows enqueues one job", async () => {
  const { pool } = await freshQueue();
  const [call] = sqlOf("docs/jobs.md");
  expect((await pool.query(call!)).rows).toEqual([{ id: "1", created: true, state: "scheduled" }]);
});

test("the SQL that the page on verbs shows cancels the order's jobs, and pauses a queue", async () => {
  const { pool } = await freshQueue();
  await pool.query(
    `select pillion.enqueue('a', '1', '{"headers": {"order": "7"}}'), pillion.enqueue('b', '1')`,
  );
  for (const statement of sqlOf("docs/verbs.md")[0]!.split(";\n").filter(Boolean))
    await pool.query(statement);
  expect((await pool.query("select name from pillion.job")).rows).toEqual([{ name: "b" }]);
  expect((await pool.query("select name from pillion.queue where paused_at is not null")).rows).toEqual([
    { name: "billing" },
  ]);
});

test("the SQL that the page on retention shows sets a queue's times, and keeps the partitions", async () => {
  const { pool } = await freshQueue();
  const [set, keep, keepMore, detach] = sqlOf("docs/retention.md");
  await pool.query(set!);
  const { rows } = await pool.query("select name, keep_completed_ms, keep_dead_ms from pillion.queue");
  expect(rows).toEqual([{ name: "mail", keep_completed_ms: "86400000", keep_dead_ms: "31536000000" }]);
  for (const call of [keep, keepMore])
    expect((await pool.query(call!)).rows).toEqual([{ made: [], dropped: [], put_off: [] }]);
  const { rows: kept } = await pool.query("select part from pillion.kept('pillion.archive') order by day");
  await pool.query(detach!.replace("pillion.archive_20300131", kept[0].part));
  const again = `${kept[0].part}_2`.replace("pillion.", "");
  expect((await pool.query(keep!)).rows).toEqual([{ made: [again], dropped: [], put_off: [] }]);
});

test("a role that is allowed what the page on roles allows enqueues in every way, and runs jobs", async () => {
  const { pool, url } = await freshQueue();
  const role = `pillion_docs_${randomBytes(4).toString("hex")}`;
  await pool.query(`create role ${role}`);
  onTestFinished(async () => {
    await pool.query(`drop owned by ${role}`);
    await pool.query(`drop role ${role}`);
  });
  const [allow] = sqlOf("docs/roles.md");
  await pool.query(allow!.replaceAll(/'(web|jobs|oncall|support)'/g, `'${role}'`));

  const asRole = new pg.Pool({ connectionString: url, options: `-c role=${role}` });
  onTestFinished(() => asRole.end());
  const client = await asRole.connect();
  await client.query("begin");
  await enqueue(client, count(1, { uniqueKey: "one" }));
  await enqueueMany(client, [count(2), count(3)]);
  await client.query("select pillion.enqueue('index.rebuild', '4')");
  await client.query("commit");
  client.release();
  await enqueueStandalone(asRole, count(5));

  const seen: unknown[] = [];
  const worker = createWorker({
    database: asRole,
    handlers: [handle(count, (job) => void seen.push(job.payload))],
  });
  expect(await worker.runOnce()).toMatchObject({ ran: 5, failed: 0 });
  expect(seen.sort()).toEqual([1, 2, 3, 4, 5]);
  await expect(asRole.query("drop table pillion.job")).rejects.toSatisfy(
    (error) => sqlStateOf(error) === "42501",
  );
});

test("the late enqueue that the page on the guard shows is refused with 25P01, and nothing is stored", async () => {
  const { pool } = await freshQueue();
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  onTestFinished(() => log.mockRestore());
  await tooLate(drizzle({ client: pool }));
  expect(log.mock.calls).toEqual([["25P01"]]);
  expect((await pool.query("select id from pillion.job")).rows).toEqual([]);
});
