import type { JobRow } from "../job/job.ts";
import { sql } from "../statement.ts";
import { rowText } from "./row-text.ts";
import type { Schema } from "./schema.ts";

export interface EnqueueManyInput {
  readonly rows: readonly JobRow[];
  readonly guarded: boolean;
  readonly pin: string | null;
}

/**
 * A batch of jobs without unique keys: one INSERT from one JSON text. The first job of each queue carries the
 * guard, and with it the wake-up of that queue. Ids are drawn in the order of the batch, so ascending ids answer
 * in that order.
 */
export const enqueueMany = (schema: Schema) => sql<EnqueueManyInput>`
with inserted as (
  insert into ${schema.job} (queue, name, version, priority, max_attempts, partition_key, payload, headers, guard, run_at, start_before, state)
  select j ->> 'queue', j ->> 'name', coalesce((j ->> 'version')::integer, 1), coalesce((j ->> 'priority')::smallint, 0),
    (j ->> 'maxAttempts')::integer, j ->> 'partitionKey', j -> 'payload', j -> 'headers',
    case when j -> 'first' is not null then coalesce(${({ guarded }) => (guarded ? null : "-infinity")}::text::timestamptz, statement_timestamp()) end,
    due.at, (j ->> 'startBefore')::timestamptz, (case when due.at > statement_timestamp() then 'scheduled' else 'ready' end)::${schema.jobState}
  from jsonb_array_elements(${({ rows }) => batchText(rows)}::text::jsonb) j
  cross join lateral (select coalesce((j ->> 'runAt')::timestamptz,
    statement_timestamp() + (j ->> 'delayMs')::float8 * interval '1 millisecond', statement_timestamp()) as at) due
  cross join (select ${({ pin }) => pin}::text as pin) p
  where p.pin is null or p.pin = pg_current_xact_id()::text
  returning id, state
)
select case when count(*) > 0 then concat(pg_current_xact_id(), ' ', string_agg(concat(id, ',true,', state), ' ' order by id)) end as answer
from inserted`;

/**
 * A batch in which some jobs have a unique key (or a single such job). The function takes the keys in sorted
 * order and answers in the order of the batch.
 */
export const enqueueKeyed = (schema: Schema) => sql<EnqueueManyInput>`
select case when count(*) > 0 then concat(min(xid), ' ', string_agg(concat(id, ',', created::text, ',', state), ' ' order by ordinal)) end as answer
from ${schema.enqueueKeyed}(${({ rows }) => batchText(rows)}::text::json, ${({ guarded }) => String(guarded)}::text::boolean, ${({ pin }) => pin}::text)`;

function batchText(rows: readonly JobRow[]): string {
  const queues = new Set<string>();
  return `[${rows
    .map((row) => {
      const first = !queues.has(row.queue);
      if (first) queues.add(row.queue);
      return rowText(row, first);
    })
    .join(",")}]`;
}
