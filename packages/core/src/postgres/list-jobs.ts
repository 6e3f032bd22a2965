import { sql } from "../statement.ts";
import type { Schema } from "./schema.ts";

export interface ListJobsInput {
  /** A filter as JSON text; `before` may be in it. */
  readonly filter: string;
  readonly limit: number;
}

const filter = (input: ListJobsInput) => input.filter;
const limit = (input: ListJobsInput) => String(input.limit);

/** Jobs in every state, the newest first: one JSON text each. */
export const listJobs = (schema: Schema) => sql<ListJobsInput>`
with wanted as materialized (
  select id from unnest(${schema.findJobs}(${filter}::text::jsonb, enum_range(null::${schema.jobState}), ${limit}::text::integer, false, true)) id
), job as (
  select w.id, to_jsonb(l) as job from ${schema.live} l join wanted w on w.id = l.id
  union all
  select w.id, a.job from wanted w cross join lateral (select to_jsonb(a) as job from ${schema.archive} a where a.id = w.id) a
)
select job.job::text from job
order by job.id desc`;

/** The same without payload, headers and result, which are not even read, and of an error the beginning of its message. */
export const listJobsWithoutValues = (schema: Schema) => sql<ListJobsInput>`
with wanted as materialized (
  select id from unnest(${schema.findJobs}(${filter}::text::jsonb, enum_range(null::${schema.jobState}), ${limit}::text::integer, false, true)) id
), job as (
  select l.id, l.name, l.version, l.queue, l.state, l.priority, l.attempt, l.max_attempts, l.created_at, l.run_at, l.start_before,
    l.cancelled_at, null::timestamptz as finished_at, l.unique_key, l.partition_key, l.parent, null::jsonb as error
  from ${schema.live} l join wanted w on w.id = l.id
  union all
  select a.* from wanted w cross join lateral (
    select a.id, a.name, a.version, a.queue, a.state, a.priority, a.attempt, a.max_attempts, a.created_at, a.run_at, a.start_before,
      null::timestamptz, a.finished_at, a.unique_key, a.partition_key, a.parent,
      case when a.error is not null then jsonb_strip_nulls(jsonb_build_object('name', a.error -> 'name',
        'message', left(a.error ->> 'message', 300), 'code', a.error -> 'code')) end
    from ${schema.archive} a where a.id = w.id) a
)
select to_jsonb(job)::text as job from job
order by job.id desc`;
