import { migrate } from "@pillion/core/migrate";
import { type RunningPostgres, startPostgres } from "@pillion/dev-postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { few, fill } from "./crowd.ts";
import { PlanSession, type Scan } from "./session.ts";
import { found, ofFunctions, sent } from "./statements.ts";

// Each test lists where a statement read what it is not about: rows that nobody asked for, or all pages of a table.

/** Tables that grow with the queue. */
const growing = /^(job|batch|cancellation|unique_key|start|(archive|attempt)(_\w+)?)$/;

/** A part of a plan may look at its rows again, and step over a few that are not for it; no more. */
const most = 3 * few;

/** A look by an index takes a few pages for each row that it is about. */
const mostPages = 10 * few;

let server: RunningPostgres;
let early: PlanSession;
let report: PlanSession;

beforeAll(async () => {
  // Statistics are taken when the test says so, and never else: now, of empty tables.
  server = await startPostgres({ durable: false, settings: { autovacuum: "off" } });
  await migrate({ database: server.url });
  early = await PlanSession.open(server.url, "auto");
  await early.client.query("vacuum analyze");
  // As often as it takes until a session keeps a plan that does not look at parameters.
  for (const statement of Object.values(ofFunctions))
    for (let time = 0; time < 7; time++) await early.scans(statement);
  // A report that takes long: whatever ends from now on stays in its table, and in its indexes.
  report = await PlanSession.open(server.url, "auto");
  await report.client.query("begin isolation level repeatable read; select from pillion.batch");
  await fill(early.client);
});
afterAll(async () => {
  await early.close();
  await report.close();
  await server.stop();
});

describe("planned while the queue was empty, and run when it is full", () => {
  test.each(Object.entries(ofFunctions))("%s reads no more than it is about", async (name, statement) => {
    expectFew(name, await early.scans(statement));
  });
});

describe("a generic plan, with the statistics of an empty queue", () => {
  let session: PlanSession;
  beforeAll(async () => {
    session = await PlanSession.open(server.url, "force_generic_plan");
  });
  afterAll(() => session.close());

  test.each(Object.entries(sent))("%s reads no more than it is about", async (name, statement) => {
    expectFew(name, await session.scans(statement, name));
  });
});

describe("with fresh statistics", () => {
  let session: PlanSession;
  beforeAll(async () => {
    session = await PlanSession.open(server.url, "auto");
    await session.client.query("analyze");
  });
  afterAll(() => session.close());

  test.each(Object.entries(sent))("%s reads no more than it is about", async (name, statement) => {
    expectFew(name, await session.scans(statement));
  });
});

describe("without statistics, as after a great enqueue that nobody has analyzed yet", () => {
  let session: PlanSession;
  beforeAll(async () => {
    session = await PlanSession.open(server.url, "auto");
    await session.client.query(
      `select pg_clear_relation_stats('pillion', relname),
         (select count(pg_clear_attribute_stats('pillion', relname, attname, false)) from pg_attribute where attrelid = c.oid and attnum > 0)
       from pg_class c where relnamespace = 'pillion'::regnamespace and relkind = 'r'`,
    );
  });
  afterAll(() => session.close());

  test.each(Object.entries(sent))("%s reads no more than it is about", async (name, statement) => {
    expectFew(name, await session.scans(statement));
  });
});

function expectFew(name: string, scans: readonly Scan[]): void {
  const of = scans.filter(({ table, read, pages }) => growing.test(table) && read + pages > 0);
  // It found what it was to find: otherwise its plan would say nothing.
  expect(of.reduce((sum, { read }) => sum + read, 0)).toBeGreaterThanOrEqual(found[name] ?? few);
  expect(
    of
      // A bitmap scan never marks the entries of dead rows, so that each later one reads them again.
      .filter(
        ({ node, table, read, pages }) =>
          read > most ||
          // Of the other tables nothing has gone: there it is one page for each row and level of an index.
          (table === "batch" && pages > mostPages) ||
          (read > 0 && (node === "Seq Scan" || node.startsWith("Bitmap"))),
      )
      .map(
        ({ node, table, index, read, pages }) =>
          `${node} of ${table} ${index ?? ""}: ${read} rows, ${pages} pages`,
      ),
  ).toEqual([]);
}
