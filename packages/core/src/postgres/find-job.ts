import { sql } from "../statement.ts";
import type { Schema } from "./schema.ts";

const id = (input: { readonly id: string }) => input.id;

/**
 * All that is known of one job, wherever it is now, and each of its attempts: two JSON texts, or no row. The id stands
 * beside each table, not in a join: so each of the archive's partitions is asked by its index.
 */
export const findJob = (schema: Schema) => sql<{ readonly id: string }>`
with job as (
  select to_jsonb(j) || jsonb_build_object('finished_at', null, 'error', null, 'result', null) as job
  from ${schema.live} j where j.id = ${id}::text::bigint
  union all
  select to_jsonb(a) from ${schema.archive} a where a.id = ${id}::text::bigint
), attempts as materialized (
  select a.* from ${schema.attempts} a where a.job = ${id}::text::bigint
)
select job.job::text, coalesce((
  select json_agg(json_build_object('attempt', a.attempt, 'worker', coalesce(w.label, a.worker::text), 'startedAt', a.started_at,
      'finishedAt', a.finished_at, 'outcome', a.outcome, 'error', a.error) order by a.started_at, a.finished_at nulls last)
  from attempts a left join ${schema.worker} w on w.id = a.worker), '[]')::text as attempts
from job limit 1`;
