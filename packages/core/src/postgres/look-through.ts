import { sql } from "../statement.ts";
import type { Schema } from "./schema.ts";

export interface LookThroughInput {
  /** A filter as JSON text. */
  readonly filter: string;
  /** Only jobs with a lower id; null for all. */
  readonly before: string | null;
  readonly limit: number;
  /** How many jobs to go through at most, and for how long. */
  readonly looks: number;
  readonly ms: number;
}

/**
 * A page of jobs in every state, the newest first, from as many as may be gone through: one row, with the jobs as one JSON
 * text. Payload, headers and result are not even read, and of an error the beginning of its message. Each is looked up by
 * its id, whatever is known of the tables: `offset 0` keeps the lookups from becoming a join.
 */
export const lookThrough = (schema: Schema) => sql<LookThroughInput>`
with looked as materialized (
  select * from ${schema.lookThrough}(${({ filter }) => filter}::text::jsonb, ${({ before }) => before}::text::bigint,
    ${({ limit }) => String(limit)}::text::integer, ${({ looks }) => String(looks)}::text::integer, ${({ ms }) => String(ms)}::text::integer)
), wanted as materialized (
  select id from looked cross join lateral unnest(looked.ids) id
), job as (
  select l.id, l.name, l.version, l.queue, l.state, l.priority, l.attempt, l.max_attempts, l.created_at, l.run_at, l.start_before,
    l.cancelled_at, null::timestamptz as finished_at, l.unique_key, l.partition_key, l.parent, null::jsonb as error
  from ${schema.live} l where l.id = any (array(select id from wanted))
  union all
  select a.* from wanted w cross join lateral (
    select a.id, a.name, a.version, a.queue, a.state, a.priority, a.attempt, a.max_attempts, a.created_at, a.run_at, a.start_before,
      null::timestamptz, a.finished_at, a.unique_key, a.partition_key, a.parent,
      case when a.error is not null then jsonb_strip_nulls(jsonb_build_object('name', a.error -> 'name',
        'message', left(a.error ->> 'message', 300), 'code', a.error -> 'code')) end
    from ${schema.archive} a where a.id = w.id offset 0) a
)
select l.looked::text, l.go_on::text as next, to_json(l.back_to)::text as back_to, l.complete::text,
  coalesce((select jsonb_agg(to_jsonb(job) order by job.id desc) from job), '[]')::text as jobs
from looked l`;
