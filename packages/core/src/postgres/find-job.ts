import { sql } from "../statement.ts";
import type { Schema } from "./schema.ts";

/** All that is known of one job, wherever it is now, and each of its attempts: two JSON texts, or no row. */
export const findJob = (schema: Schema) => sql<{ readonly id: string }>`
with wanted as (select ${(input) => input.id}::text::bigint as id),
job as (
  select to_jsonb(j) || jsonb_build_object('finished_at', null, 'error', null, 'result', null) as job from ${schema.job} j join wanted using (id)
  union all
  select to_jsonb(a) from ${schema.archive} a join wanted using (id)
)
select job.job::text, coalesce((
  select json_agg(json_build_object('attempt', a.attempt, 'worker', coalesce(w.label, a.worker::text), 'startedAt', a.started_at,
      'finishedAt', a.finished_at, 'outcome', a.outcome, 'error', a.error) order by a.started_at, a.finished_at nulls last)
  from wanted join ${schema.attempts} a on a.job = wanted.id left join ${schema.worker} w on w.id = a.worker), '[]')::text as attempts
from job limit 1`;
