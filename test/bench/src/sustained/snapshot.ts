import pg from "pg";

/** A REPEATABLE READ snapshot that stays open, as a long report or a dump holds one: vacuum may remove nothing newer. */
export async function holdSnapshot(url: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query("begin isolation level repeatable read, read only");
  await client.query("select count(*) from pg_class");
  return () => client.end();
}
