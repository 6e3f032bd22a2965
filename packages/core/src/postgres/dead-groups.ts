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

/** What tells one thing from another of its kind: runs of digits, with the hexadecimal ones and the hyphens beside them. */
const particulars = "[0-9A-Fa-f]*[0-9][-0-9A-Fa-f]*";

/** Of one queue or name the newest so many dead jobs are gone through. */
const filtered = 50_000;
const looks = ({ queue, name }: DeadGroupsInput) => String((queue ?? name) ? filtered : limits.changedJobs);

/**
 * The newest dead jobs, 10,000 at most, by name, queue and error. Numbers and ids in a message tell no errors apart. One
 * row: JSON text of the groups, the largest first, at most 200; how many jobs are in groups; and whether there are older ones.
 */
export const deadGroups = (schema: Schema) => sql<DeadGroupsInput>`
with found as materialized (
  select d.*, regexp_replace(d.message, '${particulars}', '#', 'g') as alike
  from ${schema.newestDead}(${({ queue }) => queue}::text, ${({ name }) => name}::text, ${looks}::text::integer, ${`${limits.changedJobs}`}) d
), dead as (
  select * from found where id is not null
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
select (select count(id) from found)::text as looked, (select bool_or(more) or count(id) = ${`${limits.changedJobs}`} from found)::text as more,
  coalesce(json_agg(json_build_object('key', c.key, 'name', c.name, 'queue', c.queue, 'count', c.jobs,
    'error', (select a.error from ${schema.archive} a where a.id = c.ids[1] offset 0), 'firstAt', c.first_at, 'lastAt', c.last_at,
    'ids', c.ids[1:${({ ids }) => String(ids)}::text::integer]::text[]) order by c.jobs desc, c.ids[1] desc), '[]')::text as groups
from chosen c`;
