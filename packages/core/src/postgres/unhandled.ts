import { sql } from "../statement.ts";
import { nowText } from "./fence.ts";
import type { Schema } from "./schema.ts";

/**
 * Names that wait and that no living worker handles in their queue, with how many of the 10,000 jobs longest in
 * their lanes have each: a bounded look, since a queue may be long.
 */
export const unhandled = (schema: Schema) => sql<{ readonly now?: string | null | undefined }>`
with clock as (select coalesce(${nowText}::text::timestamptz, statement_timestamp()) as now),
waiting as (
  select queue, name from (select queue, name from ${schema.job} where state = 'ready' order by queue, priority, position limit 10000) j
)
select waiting.queue, waiting.name, count(*)::text as jobs
from waiting
where not exists (
  select from ${schema.worker} w, clock
  where w.stopped_at is null and w.heartbeat_at >= clock.now - w.lease_ms * interval '1 millisecond'
    and waiting.name = any (w.names) and waiting.queue = any (w.queues))
group by waiting.queue, waiting.name
order by waiting.queue, waiting.name`;
