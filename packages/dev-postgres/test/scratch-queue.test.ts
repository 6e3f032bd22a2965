import pg from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { scratchQueue } from "../src/index.ts";

async function inside<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return work(client).finally(() => client.end());
}

const markedTemplates = () =>
  inside(inject("databaseUrl"), async (client) => {
    const { rows } = await client.query(
      "select from pg_database where datname like 'pillion_template_%' and shobj_description(oid, 'pg_database') = $1",
      [process.env.PILLION_SCRATCH],
    );
    return rows.length;
  });

test("tests that ask at once, in several processes, get copies of one queue that is made once, and share nothing", async () => {
  const before = await markedTemplates();
  let made = 0;
  const migrate = ({ database, schema }: { database: string; schema: string }) =>
    inside(database, (client) => {
      made++;
      return client.query(`create schema ${schema}; create table ${schema}.job (id integer)`);
    });
  // As another process has it: it knows of no template.
  const other = (await import(`${"../src/scratch-queue.ts"}?other`)) as { scratchQueue: typeof scratchQueue };
  const queues = await Promise.all(
    [scratchQueue, other.scratchQueue, scratchQueue, other.scratchQueue].map((make) =>
      make(inject("databaseUrl"), "copies", migrate, "of_this_test"),
    ),
  );
  for (const { drop } of queues) onTestFinished(drop);
  expect(other.scratchQueue).not.toBe(scratchQueue);
  expect(made).toBe(1);

  await inside(queues[0]!.url, (client) => client.query("insert into of_this_test.job values (1)"));
  const jobs = queues.map(({ url }) =>
    inside(url, async (client) => (await client.query("select from of_this_test.job")).rowCount),
  );
  expect(await Promise.all(jobs)).toEqual([1, 0, 0, 0]);

  // They go with the run, as all that is marked with it.
  expect(await markedTemplates()).toBeGreaterThan(before);
});
