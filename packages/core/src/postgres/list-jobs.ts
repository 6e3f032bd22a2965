import { sql } from "../statement.ts";
import type { Schema } from "./schema.ts";

export interface ListJobsInput {
  /** A filter as JSON text; `before` may be in it. */
  readonly filter: string;
  readonly limit: number;
}

/** Jobs in every state, the newest first: one JSON text each. */
export const listJobs = (schema: Schema) => sql<ListJobsInput>`
with wanted as materialized (
  select id from unnest(${schema.findJobs}(${(input) => input.filter}::text::jsonb, enum_range(null::${schema.jobState}),
  ${(input) => String(input.limit)}::text::integer, false, true)) id
), job as (
  select w.id, to_jsonb(l) as job from ${schema.live} l join wanted w on w.id = l.id
  union all
  select w.id, a.job from wanted w cross join lateral (select to_jsonb(a) as job from ${schema.archive} a where a.id = w.id) a
)
select job.job::text from job
order by job.id desc`;
