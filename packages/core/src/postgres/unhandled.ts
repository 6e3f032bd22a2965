import { sql } from "../statement.ts";
import { nowText } from "./fence.ts";
import type { Schema } from "./schema.ts";

export interface UnhandledInput {
  readonly limit: number;
  readonly now?: string | null | undefined;
}

const limit = (input: UnhandledInput) => String(input.limit);

/**
 * Names that wait and that no living worker handles in their queue, with how many have each of the `limit` jobs that are
 * first in line, and of as many that have partition keys: sql/0008_upkeep.sql says how.
 */
export const unhandled = (schema: Schema) => sql<UnhandledInput>`
with clock as (select coalesce(${nowText}::text::timestamptz, statement_timestamp()) as now)
select waiting.queue, waiting.name, count(*)::text as jobs
from ${schema.waiting}(${limit}::text::bigint) waiting
where not exists (
  select from ${schema.worker} w, clock
  where w.stopped_at is null and w.heartbeat_at >= clock.now - w.lease_ms * interval '1 millisecond'
    and waiting.name = any (w.names) and waiting.queue = any (w.queues))
group by waiting.queue, waiting.name
order by waiting.queue, waiting.name`;
