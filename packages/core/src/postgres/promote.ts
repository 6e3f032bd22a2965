import { sql } from "../statement.ts";
import { scheduleMs } from "./due-schedules.ts";
import { nowText } from "./fence.ts";
import type { Schema } from "./schema.ts";

export interface PromoteInput {
  readonly limit: number;
  readonly now?: string | null | undefined;
}

/**
 * Makes scheduled jobs whose time has come ready, and wakes a sleeping worker for each of their queues. Answers
 * how many, and in how many milliseconds the next one, and the first schedule, is due (null where none is).
 */
export const promote = (schema: Schema) => sql<PromoteInput>`
with clock as materialized (
  select coalesce(${nowText}::text::timestamptz, statement_timestamp()) as now
), due as materialized (
  select j.id from ${schema.job} j, clock
  where j.state = 'scheduled' and j.run_at <= clock.now
  order by j.run_at
  limit ${(input) => String(input.limit)}::text::bigint
  for update of j skip locked
), promoted as (
  update ${schema.job} j set state = 'ready', position = nextval(${schema.position})
  from due where j.id = due.id
  returning j.queue
), woken as materialized (
  select ${schema.wake}(queue) from (select distinct queue from promoted) q
)
select (select count(*) from promoted)::text as promoted,
  (select ceil(extract(epoch from j.run_at - clock.now) * 1000) from ${schema.job} j, clock
   where j.state = 'scheduled' and j.run_at > clock.now order by j.run_at limit 1)::bigint::text as "nextMs", ${scheduleMs(schema)}
from (select count(*) from woken) w`;
