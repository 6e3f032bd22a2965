import { migrate } from "@pillion/core/migrate";
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

/** A database with both queues, in which nothing was ever enqueued, and with the application's only table. */
export async function databaseWithQueues(): Promise<string> {
  const url = await emptyDatabase();
  for (const schema of schemas) await migrate({ database: url, schema });
  return url;
}

/** What is in the queues' schemas: every definition, and the number of each object, which a new one does not have. */
export async function queuesIn(url: string): Promise<string> {
  return connected(url, async (client) => {
    let text = "";
    for (const schema of schemas) text += await catalogOf(client, schema);
    for (const catalog of ["class:relnamespace", "proc:pronamespace", "type:typnamespace"]) {
      const [name, namespace] = catalog.split(":");
      const { rows } = await client.query(
        `select string_agg(oid::text, ' ' order by oid) as numbers, count(*)::integer from pg_${name}
          where ${namespace}::regnamespace::text = any ($1)`,
        [schemas.map((schema) => (schema === "pillion" ? schema : `"${schema}"`))],
      );
      expect(rows[0].count).toBeGreaterThan(20);
      text += `\n${rows[0].numbers}`;
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
