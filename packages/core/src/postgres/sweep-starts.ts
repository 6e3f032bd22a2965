import { sql } from "../statement.ts";
import { nowText } from "./fence.ts";
import type { Schema } from "./schema.ts";

export interface SweepStartsInput {
  /** Partition keys looked at. */
  readonly keys: number;
  /** Rows removed. */
  readonly limit: number;
  /** Where the last sweep stopped; empty at first. */
  readonly after: { readonly queue: string; readonly key: string };
  readonly now?: string | null | undefined;
}

/**
 * Removes starts that no rate limit counts any more: of a stretch of the partition keys at a time. What somebody has
 * locked is left for the next round. Answers how many it removed, and where to go on: nothing at the end.
 */
export const sweepStarts = (schema: Schema) => sql<SweepStartsInput>`
with recursive line(queue, partition_key, n) as (
  (select s.queue, s.partition_key, 1 from ${schema.start} s
   where (s.queue, s.partition_key) > (${(input) => input.after.queue}::text, ${(input) => input.after.key}::text)
   order by s.queue, s.partition_key limit 1)
  union all
  select next.queue, next.partition_key, line.n + 1 from line cross join lateral (
    select s.queue, s.partition_key from ${schema.start} s where (s.queue, s.partition_key) > (line.queue, line.partition_key)
    order by s.queue, s.partition_key limit 1) next
  where line.n < ${(input) => String(input.keys)}::text::bigint
), past as materialized (
  select s.row from line left join ${schema.queue} q on q.name = line.queue cross join lateral (
    select s.ctid as row from ${schema.start} s where s.queue = line.queue and s.partition_key = line.partition_key
      and s.at <= coalesce(${nowText}::text::timestamptz, statement_timestamp())
        - coalesce(greatest(q.rate_ms, q.key_rate_ms), 0) * interval '1 millisecond'
    order by s.at limit ${(input) => String(input.limit)}::text::bigint for update skip locked) s
  limit ${(input) => String(input.limit)}::text::bigint
), gone as (
  delete from ${schema.start} s where s.ctid = any (array(select row from past)) returning 1
)
select queue, partition_key as key, (select count(*) from gone)::text as removed from line order by n desc limit 1`;
