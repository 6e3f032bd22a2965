import { sql } from "../statement.ts";
import type { Schema } from "./schema.ts";

export interface ListJobsInput {
  /** A filter as JSON text; `before` may be in it. */
  readonly filter: string;
  readonly limit: number;
}

const filter = (input: ListJobsInput) => input.filter;
const limit = (input: ListJobsInput) => String(input.limit);

/**
 * Jobs in every state, the newest first: one JSON text each. Each is looked up by its id, whatever is known of the
 * tables: `offset 0` keeps the lookups from becoming a join.
 */
export const listJobs = (schema: Schema) => sql<ListJobsInput>`
with wanted as materialized (
  select id from unnest(${schema.findJobs}(${filter}::text::jsonb, enum_range(null::${schema.jobState}), ${limit}::text::integer, false, true)) id
), job as (
  select l.id, to_jsonb(l) as job from ${schema.live} l where l.id = any (array(select id from wanted))
  union all
  select w.id, a.job from wanted w cross join lateral (select to_jsonb(a) as job from ${schema.archive} a where a.id = w.id offset 0) a
)
select job.job::text from job
order by job.id desc`;
