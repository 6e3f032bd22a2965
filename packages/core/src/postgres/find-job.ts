import { sql } from "../statement.ts";
import type { Schema } from "./schema.ts";

const id = (input: { readonly id: string }) => input.id;

/**
 * All that is known of one job, wherever it is now, each of its attempts and steps, and its first 1,000 children: four
 * JSON texts, or no row. The id stands beside each table, not in a join: so each of the archive's partitions is asked by
 * its index.
 */
export const findJob = (schema: Schema) => sql<{ readonly id: string }>`
with job as (
  select to_jsonb(j) || jsonb_build_object('finished_at', null, 'error', null, 'result', null) as job
  from ${schema.live} j where j.id = ${id}::text::bigint
  union all
  select to_jsonb(a) from ${schema.archive} a where a.id = ${id}::text::bigint
), attempts as materialized (
  select a.* from ${schema.attempts} a where a.job = ${id}::text::bigint
), children as materialized (
  select k.id, k.name, k.state from ${schema.job} k where k.parent = ${id}::text::bigint
  union all
  select a.id, a.name, a.state from ${schema.archive} a where a.parent = ${id}::text::bigint
)
select job.job::text, coalesce((
  select json_agg(json_build_object('attempt', a.attempt, 'worker', coalesce((
        select w.label from ${schema.worker} w where w.id = a.worker), a.worker::text), 'startedAt', a.started_at,
      'finishedAt', a.finished_at, 'outcome', a.outcome, 'error', a.error) order by a.started_at, a.finished_at nulls last)
  from attempts a), '[]')::text as attempts, coalesce((
  select json_agg(json_build_object('position', c.ordinal, 'name', c.name, 'kind', case when c.effects then 'stepTx' else c.kind end,
      'done', c.done, 'result', c.result, 'error', c.error, 'startedAt', c.began_at, 'finishedAt', c.ended_at, 'until', c.until,
      'event', case when c.event is not null then json_build_object('name', c.event, 'key', c.key) end,
      'children', c.children::text[]) order by c.ordinal)
  from ${schema.checkpointTable} c where c.job = ${id}::text::bigint), '[]')::text as steps, coalesce((
  select json_agg(json_build_object('id', k.id::text, 'name', k.name, 'state', k.state) order by k.id) from (select k.* from children k order by k.id limit 1000) k), '[]')::text as children
from job limit 1`;
