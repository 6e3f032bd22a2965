import { migrate } from "@pillion/core/migrate";
import { scratchSchema, startPostgres } from "@pillion/dev-postgres";
import pg from "pg";

export interface BenchDatabase {
  /** The queue's schema, which is also the search_path of `url`. */
  readonly schema: string;
  readonly url: string;
  readonly pool: pg.Pool;
  close(): Promise<void>;
}

/**
 * A server of its own with Postgres' default settings (or the one on DATABASE_URL), with the queue, the business
 * table and the tables to compare with in one new schema.
 */
export async function benchDatabase(): Promise<BenchDatabase> {
  const server = process.env.DATABASE_URL ? undefined : await startPostgres();
  const scratch = await scratchSchema(server?.url ?? process.env.DATABASE_URL!, "bench");
  const pool = new pg.Pool({ connectionString: scratch.url });
  await migrate({ database: pool, schema: scratch.name });
  await pool.query(tables);
  return {
    schema: scratch.name,
    url: scratch.url,
    pool,
    async close() {
      await pool.end();
      await scratch.drop();
      await server?.stop();
    },
  };
}

/**
 * `twin` has the columns, defaults, checks, indexes and storage settings of `job`, and no trigger; `minimal` is the
 * least that a queue could do with.
 */
const tables = `
create table orders (id bigint generated always as identity primary key, customer text not null, total integer not null,
  created_at timestamptz not null default now());
create table twin (like job including all);
do $$ begin
  execute (select format('alter table twin set (%s)', array_to_string(reloptions, ', ')) from pg_class where oid = 'job'::regclass);
end $$;
create table minimal (id bigint generated always as identity primary key, queue text not null,
  run_at timestamptz not null default now(), payload jsonb not null);
create index minimal_lane on minimal (queue, run_at, id);
`;
