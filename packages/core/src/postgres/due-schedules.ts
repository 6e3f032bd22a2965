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
with clock as materialized (
  select coalesce(${nowText}::text::timestamptz, statement_timestamp()) as now
), readable as (
  select s.* from ${schema.schedule} s
  where s.paused_at is null and s.name <> all (array(select json_array_elements_text(${({ except }) => JSON.stringify(except)}::text::json)))
)
(select s.name, s.revision::text, s.cron, s.time_zone, s.every_ms::text, s.missed,
  to_json(s.passed)#>>'{}' as passed, to_json(clock.now)#>>'{}' as now, null::text as "nextMs"
from readable s, clock
where s.due_at is null or s.due_at <= clock.now
order by s.due_at nulls first, s.name
limit ${({ limit }) => String(limit)}::text::bigint)
union all
select null, null, null, null, null, null, null, null,
  (select ceil(extract(epoch from s.due_at - clock.now) * 1000) from readable s, clock
   where s.due_at > clock.now and s.due_at < 'infinity' order by s.due_at limit 1)::bigint::text`;
