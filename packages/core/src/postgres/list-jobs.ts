import { sql } from "../statement.ts";
import type { Schema } from "./schema.ts";

export interface ListJobsInput {
  /** A filter as JSON text; `before` may be in it. */
  readonly filter: string;
  readonly limit: number;
}

/** Jobs in every state, the newest first: one JSON text each. */
export const listJobs = (schema: Schema) => sql<ListJobsInput>`
select job.job::text
from unnest(${schema.findJobs}(${(input) => input.filter}::text::jsonb, enum_range(null::${schema.jobState}),
  ${(input) => String(input.limit)}::text::integer, false, true)) as wanted(id)
cross join lateral (
  select to_jsonb(j) as job from ${schema.job} j where j.id = wanted.id
  union all
  select to_jsonb(a) from ${schema.archive} a where a.id = wanted.id
) job
order by wanted.id desc`;
