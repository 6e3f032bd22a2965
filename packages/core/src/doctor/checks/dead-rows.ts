import type { Schema } from "../../postgres/schema.ts";
import { sql } from "../../statement.ts";
import { count, duration } from "../figures.ts";
import type { DiagnoseLimits } from "../limits.ts";
import type { Check } from "../patient.ts";

/** Tables of the queue that vacuum does not keep up with. */
export const deadRowsCheck: Check = {
  name: "dead rows",
  needs: "queue",
  async look({ read, schema, limits }) {
    return (await read(deadRows(schema), limits)).map(({ title, dead, live, ms }) => ({
      code: "DEAD_ROWS",
      severity: "warning",
      what: `${title} has ${count(dead)} dead rows beside ${count(live)} living; ${ms === null ? "it was never vacuumed" : `it was last vacuumed ${duration(ms)} ago`}.`,
      why: "A claim steps over the dead rows that it meets: the more there are, the fewer jobs are started in a second.",
      mend: `vacuum (verbose) ${title};  -- where that removes none: see who holds the xmin horizon`,
    }));
  },
};

const deadRows = (schema: Schema) => sql<DiagnoseLimits>`
select t.relid::regclass::text as title, t.n_dead_tup::text as dead, t.n_live_tup::text as live,
  (extract(epoch from clock_timestamp() - greatest(t.last_vacuum, t.last_autovacuum)) * 1000)::text as ms
from pg_stat_all_tables t
where t.schemaname = ${() => schema.name}::text and t.n_dead_tup >= ${({ deadRows }) => String(deadRows)}::text::bigint and t.n_dead_tup > 0
order by t.n_dead_tup desc
limit 5`;
