import { sql } from "../statement.ts";
import { nowText } from "./fence.ts";
import type { Schema } from "./schema.ts";

export interface DueSchedulesInput {
  readonly limit: number;
  /** Schedules that this worker cannot read, and leaves to others for a while. */
  readonly except: readonly string[];
  readonly now?: string | null | undefined;
}

/**
 * Schedules that are due, with what their next slots follow from and the time by the database; a last row without a
 * name says in how many milliseconds the first of the others is due (null where none is).
 */
export const dueSchedules = (schema: Schema) => sql<DueSchedulesInput>`
with input as materialized (
  select coalesce(${nowText}::text::timestamptz, statement_timestamp()) as now, ${({ limit }) => String(limit)}::text::bigint as most,
    array(select json_array_elements_text(${({ except }) => JSON.stringify(except)}::text::json)) as excepted
), due as materialized (
  (select s.* from ${schema.schedule} s
   where s.paused_at is null and s.due_at is null and s.name <> all ((select excepted from input)::text[])
   limit (select most from input))
  union all
  (select s.* from ${schema.schedule} s
   where s.paused_at is null and s.due_at <= (select now from input) and s.name <> all ((select excepted from input)::text[])
   order by s.due_at nulls first
   limit (select most from input))
  limit (select most from input)
)
select due.name, due.revision::text, due.cron, due.time_zone, due.every_ms::text, due.missed,
  to_json(due.passed)#>>'{}' as passed, to_json(input.now)#>>'{}' as now, null::text as "nextMs"
from due, input
union all
select null, null, null, null, null, null, null, null, (
  select ceil(extract(epoch from s.due_at - input.now) * 1000) from ${schema.schedule} s
  where s.paused_at is null and s.due_at > (select now from input) and s.due_at < 'infinity' and s.name <> all ((select excepted from input)::text[])
  order by s.due_at nulls first
  limit 1)::bigint::text
from input`;
