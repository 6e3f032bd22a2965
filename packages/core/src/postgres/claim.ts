import { sql } from "../statement.ts";
import type { Schema } from "./schema.ts";

export interface ClaimInput {
  readonly worker: string;
  /** Queues in the order in which they are asked; among equals of priority the first wins. */
  readonly queues: readonly string[];
  /** The job types that this worker has handlers for. */
  readonly types: readonly { readonly name: string; readonly version: number }[];
  readonly limit: number;
  /** The time, for tests; the database's clock where null. */
  readonly now?: string | null | undefined;
}

/**
 * Takes up to `limit` ready jobs, never waiting for a row.
 * - A lane is (queue, priority); each is read from its front through its index, highest priority first, and the
 *   outer limit stops the scan, so nothing is locked in vain.
 * - `claim` is drawn once for the statement and fences every later write of these attempts.
 * - The order of RETURNING is physical: the answer is sorted by priority and position.
 */
export const claim = (schema: Schema) => sql<ClaimInput>`
with input as materialized (
  select nextval(${schema.claim}) as claim, ${(input) => input.worker}::text::bigint as worker, ${(input) => String(input.limit)}::text::bigint as most,
    coalesce(${(input) => input.now ?? null}::text::timestamptz, statement_timestamp()) as now
), handled as materialized (
  select h.name, h.version from json_to_recordset(${(input) => JSON.stringify(input.types)}::text::json) as h(name text, version integer)
), picked as materialized (
  select ready.id
  from generate_series(4, -4, -1) as priority
  cross join lateral json_array_elements_text(${(input) => JSON.stringify(input.queues)}::text::json) with ordinality as q(queue, place)
  cross join lateral (
    select j.id from ${schema.job} j
    where j.state = 'ready' and j.queue = q.queue and j.priority = priority.priority
      and (j.name, j.version) in (select h.name, h.version from handled h)
    order by j.position
    limit (select most from input)
    for update skip locked
  ) ready
  limit (select most from input)
)
update ${schema.job} j
set state = 'running', attempt = j.attempt + 1, worker = input.worker, claim = input.claim, started_at = input.now
from picked, input
where j.id = picked.id
returning j.id::text, j.claim::text, j.name, j.version::text, j.queue, j.priority::text, j.attempt::text, j.max_attempts::text,
  j.payload::text, j.headers::text, to_json(j.created_at)#>>'{}' as created_at, to_json(j.run_at)#>>'{}' as run_at, j.position::text`;
