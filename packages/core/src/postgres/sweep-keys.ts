import { sql } from "../statement.ts";
import { nowText } from "./fence.ts";
import type { Schema } from "./schema.ts";

export interface SweepKeysInput {
  /** Rows looked at, not rows removed. */
  readonly limit: number;
  /** Where the last sweep stopped: `name` and `key`; empty at first. */
  readonly after: { readonly name: string; readonly key: string };
  readonly now?: string | null | undefined;
}

/**
 * Removes unique keys that keep nobody out any more. A stretch of the table at a time, by its primary key; what
 * somebody has locked is left for the next round. Answers where to go on, and nothing at the end.
 */
export const sweepKeys = (schema: Schema) => sql<SweepKeysInput>`
with clock as materialized (
  select coalesce(${nowText}::text::timestamptz, statement_timestamp()) as now
), stretch as materialized (
  select k.name, k.key, k.job, k.until, k.expires_at from ${schema.uniqueKey} k
  where (k.name, k.key) > (${(input) => input.after.name}::text, ${(input) => input.after.key}::text)
  order by k.name, k.key
  limit ${(input) => String(input.limit)}::text::bigint
), idle as materialized (
  select k.row from stretch s, clock
  cross join lateral (
    select k.ctid as row from ${schema.uniqueKey} k where k.name = s.name and k.key = s.key and k.job = s.job for update skip locked
  ) k
  where case s.until
    when 'period' then s.expires_at <= clock.now
    else not exists (select from ${schema.job} j where j.id = s.job and (s.until = 'finished' or j.attempt = 0)) end
), gone as (
  delete from ${schema.uniqueKey} k where k.ctid = any (array(select row from idle))
)
select name, key from stretch order by name desc, key desc limit 1`;
