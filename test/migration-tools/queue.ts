import { DiscardError, defineJob, type } from "@pillion/core";
import { migrate } from "@pillion/core/migrate";
import { createWorker, handle } from "@pillion/core/worker";
import { scratchDatabase } from "@pillion/dev-postgres";
import pg from "pg";
import { expect, inject, onTestFinished } from "vitest";
import { catalogOf } from "../../packages/core/test/migrate/catalog.ts";

/** The queues of a test's database: one where it is by default, one in a schema of another name. */
const schemas = ["pillion", "Job Queue"] as const;

/** An empty database, dropped at the test's end. */
export async function emptyDatabase(): Promise<string> {
  const database = await scratchDatabase(inject("databaseUrl"), "tools");
  onTestFinished(() => database.drop());
  return database.url;
}

/** Tools treat a table with rows otherwise than one without. */
export const states = ["empty", "used"] as const;

/** A database with both queues: nothing was ever enqueued, or jobs wait, are planned, and have ended. */
export async function databaseWithQueues(state: (typeof states)[number]): Promise<string> {
  const url = await emptyDatabase();
  for (const schema of schemas) {
    await migrate({ database: url, schema });
    if (state === "used") await use(url, schema);
  }
  return url;
}

async function use(url: string, schema: string): Promise<void> {
  const pass = defineJob({ name: "pass", payload: type<number>() });
  const fail = defineJob({ name: "fail", payload: type<number>(), queue: "failing" });
  const discard = () => {
    throw new DiscardError("no use");
  };
  const add = (name: string, options: object) =>
    query(url, `select "${schema}".enqueue('${name}', '1', '${JSON.stringify(options)}')`);
  await add("pass", { uniqueKey: "one", partitionKey: "all" });
  await add("fail", { queue: "failing" });
  const handlers = [handle(pass, () => {}), handle(fail, discard)];
  const worker = createWorker({ database: url, schema, handlers, logger: false });
  expect(await worker.runOnce()).toMatchObject({ ran: 2 });
  await worker.stop();
  await add("pass", { uniqueKey: "one" });
  await add("pass", { delayMs: 3_600_000, headers: { tenant: "acme" } });
  const waiting = await query(
    url,
    `select state::text, count(*)::integer from "${schema}".jobs group by 1 order by 1`,
  );
  expect(waiting.map((row) => Object.values(row))).toEqual([
    ["completed", 1],
    ["dead", 1],
    ["ready", 1],
    ["scheduled", 1],
  ]);
}

/** What is in the queues' schemas: each definition, the number of each object, which a new one does not have, and each row. */
export async function queuesIn(url: string): Promise<string> {
  return connected(url, async (client) => {
    const quoted = schemas.map((schema) => (schema === "pillion" ? schema : `"${schema}"`));
    let text = "";
    for (const schema of schemas) text += await catalogOf(client, schema);
    for (const catalog of ["class:relnamespace", "proc:pronamespace", "type:typnamespace"]) {
      const [name, namespace] = catalog.split(":");
      const { rows } = await client.query(
        `select string_agg(oid::text, ' ' order by oid) as numbers, count(*)::integer from pg_${name}
          where ${namespace}::regnamespace::text = any ($1)`,
        [quoted],
      );
      expect(rows[0].count).toBeGreaterThan(20);
      text += `\n${rows[0].numbers}`;
    }
    const { rows: tables } = await client.query(
      `select c.oid::regclass::text as name from pg_class c where relkind = 'r' and relnamespace::regnamespace::text = any ($1)
        order by 1`,
      [quoted],
    );
    for (const { name } of tables) {
      const { rows } = await client.query(`select t::text as row from ${name} t order by 1`);
      text += `\n${name}: ${rows.map(({ row }) => row).join("\n")}`;
    }
    return text;
  });
}

/** Rows of one statement, on a connection of its own. */
export async function query(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
  return connected(url, async (client) => (await client.query(text)).rows);
}

async function connected<T>(url: string, fn: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await fn(client);
  } finally {
    await client.end();
  }
}

/** The application's tables as the tool has made them. */
export const tablesOfShop = `select string_agg(table_name || '.' || column_name, ' ' order by 1) as columns
  from (select table_name, column_name from information_schema.columns where table_schema = 'public' and table_name in ('order', 'orders')) c(table_name, column_name)`;
