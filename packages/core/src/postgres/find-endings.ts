import { sql } from "../statement.ts";
import type { Schema } from "./schema.ts";

/**
 * The states of jobs, and what those left that have ended: one row for each that there is. One snapshot, so that a
 * job which ends meanwhile is seen in one of its places. The archive's partitions are asked only for those that
 * have left the hot table, and claims for those that are in neither; `offset 0` has each id looked up by an index,
 * however many there are.
 */
export const findEndings = (schema: Schema) => sql<{ readonly ids: readonly string[] }>`
with running as materialized (
  select l.id, l.name, l.state from ${schema.live} l where l.state = 'running'
)
select wanted.id, coalesce(live.name, ended.name, running.name) as name, coalesce(live.state, ended.state, running.state)::text as state,
  ended.result::text, ended.error::text
from json_array_elements_text(${({ ids }) => JSON.stringify([...new Set(ids)])}::text::json) wanted(id)
left join lateral (
  select j.name, j.state from ${schema.job} j where j.id = wanted.id::bigint offset 0
) live on true
left join lateral (
  select a.name, a.state, a.result, a.error from ${schema.archive} a where live.name is null and a.id = wanted.id::bigint offset 0
) ended on true
left join lateral (
  select r.name, r.state from running r where live.name is null and ended.name is null and r.id = wanted.id::bigint
) running on true
where coalesce(live.name, ended.name, running.name) is not null`;
