import type { Schema } from "../../postgres/schema.ts";
import { sql } from "../../statement.ts";
import { bytes, count } from "../figures.ts";
import type { DiagnoseLimits } from "../limits.ts";
import type { Check } from "../patient.ts";

/** Tables and indexes of the queue that are mostly empty. */
export const bloatCheck: Check = {
  name: "bloat",
  needs: "queue",
  async look({ read, schema, limits }) {
    return (await read(bloat(schema), limits)).map(({ title, table, kind, size, needed, rows }) => ({
      code: "BLOAT",
      severity: "warning",
      what: `The ${kind} ${title} takes ${bytes(size)}; its ${count(rows)} rows need about ${bytes(needed)}.`,
      why:
        kind === "table"
          ? "What reads it whole reads the empty pages too, and each of them takes its place in memory and in backups."
          : "Each claim may read further than it need, and the empty pages take their place in memory.",
      mend:
        kind === "table"
          ? `set lock_timeout = '2s'; vacuum (full, analyze) ${table};  -- nothing is enqueued or claimed while it runs: seconds, where few rows live`
          : `reindex index concurrently ${title};`,
    }));
  },
};

/**
 * By the statistics of tables, which vacuum and analyze keep: an estimate that reads no table. Rows are taken for as wide as
 * their columns on average, or for 200 bytes where nobody has analyzed the table; entries of an index for 120 bytes.
 * Partitions are left out: what has ended is written once and dropped whole.
 */
const bloat = (schema: Schema) => sql<DiagnoseLimits>`
with tables as (
  select c.oid, c.relname, t.n_live_tup + t.n_dead_tup as rows
  from pg_class c join pg_stat_all_tables t on t.relid = c.oid
  where c.relnamespace = to_regnamespace('${schema.quoted}') and c.relkind = 'r' and not c.relispartition
), parts as (
  select t.oid as part, t.oid as table, 'table' as kind, t.rows,
    t.rows * (40 + coalesce((select sum(s.avg_width) from pg_stats s where s.schemaname = ${() => schema.name}::text and s.tablename = t.relname), 160)) as needed
  from tables t
  union all
  select i.indexrelid, t.oid, 'index', t.rows, t.rows * 120 from tables t join pg_index i on i.indrelid = t.oid
), sized as (
  select p.*, pg_relation_size(p.part) as size from parts p
)
select part::regclass::text as title, "table"::regclass::text, kind, rows::text, size::text, needed::bigint::text as needed
from sized
where size - needed >= ${({ bloatBytes }) => String(bloatBytes)}::text::bigint and size > 2 * needed and size > 8192 * 2
order by size - needed desc
limit 5`;
