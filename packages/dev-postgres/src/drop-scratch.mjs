// Drops the schemas and databases of one run, whose mark is in the environment: see drop-scratch.ts.
import pg from "pg";

const client = new pg.Client({ connectionString: process.argv[2] });
await client.connect();
const marked = async (query) => {
  const { rows } = await client.query(query, [process.env.PILLION_SCRATCH]);
  return rows.map(({ name }) => pg.escapeIdentifier(name));
};
for (const schema of await marked(
  "select nspname as name from pg_namespace where obj_description(oid, 'pg_namespace') = $1",
))
  await client.query(`drop schema if exists ${schema} cascade`);
for (const database of await marked(
  "select datname as name from pg_database where shobj_description(oid, 'pg_database') = $1",
))
  await client.query(`drop database if exists ${database} with (force)`);
await client.end();
