import { limits } from "../defaults.ts";
import { sql } from "../statement.ts";
import type { Schema } from "./schema.ts";

export interface DeadGroupsInput {
  readonly queue: string | null;
  readonly name: string | null;
  /** One group alone. */
  readonly key: string | null;
  /** How many ids of each. */
  readonly ids: number;
}

/** What tells one thing from another of its kind: uuids, and runs of digits with the hexadecimal ones beside them. */
const particulars = "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9a-f]*[0-9][0-9a-f]*";

/**
 * The newest dead jobs, 10,000 at most, by name, queue and error. Numbers and ids in a message tell no errors apart. One
 * JSON text for each group, the largest first, at most 200, each with how many jobs were looked at.
 */
export const deadGroups = (schema: Schema) => sql<DeadGroupsInput>`
with dead as materialized (
  select a.id, a.queue, a.name, a.finished_at, coalesce(a.error ->> 'name', '') as error_name,
    regexp_replace(left(a.error ->> 'message', 200), '${particulars}', '#', 'g') as alike
  from ${schema.archive} a
  where a.state = 'dead' and (${({ queue }) => queue}::text is null or a.queue = ${({ queue }) => queue}::text)
    and (${({ name }) => name}::text is null or a.name = ${({ name }) => name}::text)
  order by a.id desc
  limit ${`${limits.changedJobs}`}
), cause as (
  select d.name, d.queue, d.error_name, d.alike, count(*) as jobs, array_agg(d.id order by d.id desc) as ids,
    min(d.finished_at) as first_at, max(d.finished_at) as last_at
  from dead d group by d.name, d.queue, d.error_name, d.alike
), keyed as materialized (
  select c.*, encode(sha256(convert_to(json_build_array(c.name, c.queue, c.error_name, c.alike)::text, 'UTF8')), 'hex') as key
  from cause c order by c.jobs desc, c.ids[1] desc
), chosen as (
  select k.* from keyed k
  where ${({ key }) => key}::text is null or k.key = ${({ key }) => key}::text
  order by k.jobs desc, k.ids[1] desc
  limit 200
)
select json_build_object('key', c.key, 'name', c.name, 'queue', c.queue, 'count', c.jobs,
    'error', (select a.error from ${schema.archive} a where a.id = c.ids[1]),
    'firstAt', c.first_at, 'lastAt', c.last_at, 'ids', c.ids[1:${({ ids }) => String(ids)}::text::integer]::text[])::text as "group",
  (select count(*) from dead)::text as looked
from chosen c
order by c.jobs desc, c.ids[1] desc`;
