import { defaults } from "../defaults.ts";
import { sql } from "../statement.ts";
import { nowText } from "./fence.ts";
import type { Schema } from "./schema.ts";

export interface DepartInput {
  readonly worker: string;
  readonly now?: string | null | undefined;
}

/** Says that the worker is gone; what it should still hold would be rescued at once. */
export const depart = (schema: Schema) => sql<DepartInput>`
update ${schema.worker} w
set stopped_at = coalesce(${nowText}::text::timestamptz, statement_timestamp())
where w.id = ${(input) => input.worker}::text::bigint
  and not exists (select from ${schema.job} j where j.state = 'running' and j.worker = w.id)
  and not exists (select from ${schema.batch} b where b.worker = w.id and b.worker > 0)
returning w.id::text`;

export interface ForgetSilentInput {
  readonly limit: number;
  readonly now?: string | null | undefined;
}

/** For so many days the row of a worker that has stopped is kept. */
const keptDays = 30;

/** Removes workers that have stopped long ago and hold nothing, those that stopped first; what is locked is left. */
export const removeStopped = (schema: Schema) => sql<ForgetSilentInput>`
with stopped as materialized (
  select w.ctid as row from ${schema.worker} w
  where w.stopped_at < coalesce(${nowText}::text::timestamptz, statement_timestamp()) - interval '${`${keptDays}`} days'
    and not exists (select from ${schema.job} j where j.state = 'running' and j.worker = w.id)
    and not exists (select from ${schema.batch} b where b.worker = w.id and b.worker > 0)
  order by w.stopped_at
  limit ${(input) => String(input.limit)}::text::bigint
  for update skip locked
)
delete from ${schema.worker} w using stopped where w.ctid = stopped.row
returning w.id::text`;

/**
 * Gives those who hold jobs, and whose row somebody has removed, one in which they are silent: so their jobs are
 * rescued. Each is found by one look into an index.
 */
export const reinstate = (schema: Schema) => sql<{ readonly limit: number }>`
with recursive by_row(worker, n) as (
  (select j.worker, 1 from ${schema.job} j where j.state = 'running' order by j.worker limit 1)
  union all
  select (select j.worker from ${schema.job} j where j.state = 'running' and j.worker > r.worker order by j.worker limit 1), r.n + 1
  from by_row r where r.worker is not null and r.n < ${({ limit }) => String(limit)}::text::bigint
), by_batch(worker, n) as (
  (select b.worker, 1 from ${schema.batch} b where b.worker > 0 order by b.worker limit 1)
  union all
  select (select b.worker from ${schema.batch} b where b.worker > r.worker and b.worker > 0 order by b.worker limit 1), r.n + 1
  from by_batch r where r.worker is not null and r.n < ${({ limit }) => String(limit)}::text::bigint
)
insert into ${schema.worker} (id, label, queues, names, concurrency, lease_ms, started_at, heartbeat_at) overriding system value
select h.worker, 'unknown', '{}', '{}', 0, ${`${defaults.leaseMs}`}, statement_timestamp(), statement_timestamp()
from (select r.worker from by_row r union select r.worker from by_batch r) h
where h.worker is not null and not exists (select from ${schema.worker} w where w.id = h.worker)
on conflict do nothing
returning id::text`;

/** Closes the books on workers that have been silent for a day and hold nothing. */
export const forgetSilent = (schema: Schema) => sql<ForgetSilentInput>`
with silent as materialized (
  select w.ctid as row from ${schema.worker} w
  where w.stopped_at is null
    and w.heartbeat_at < coalesce(${nowText}::text::timestamptz, statement_timestamp()) - interval '1 day'
    and not exists (select from ${schema.job} j where j.state = 'running' and j.worker = w.id)
    and not exists (select from ${schema.batch} b where b.worker = w.id and b.worker > 0)
  limit ${(input) => String(input.limit)}::text::bigint
  for update skip locked
)
update ${schema.worker} w
set stopped_at = w.heartbeat_at
from silent where w.ctid = silent.row
returning w.id::text`;

/**
 * Opens the books again on workers that have stopped and hold something all the same: a claim whose connection broke
 * may be committed after its worker has signed off. From then on it counts as silent.
 */
export const reopen = (schema: Schema) => sql<ForgetSilentInput>`
with holding as materialized (
  select w.ctid as row from ${schema.worker} w
  where w.stopped_at > coalesce(${nowText}::text::timestamptz, statement_timestamp()) - interval '1 day'
    and (exists (select from ${schema.job} j where j.state = 'running' and j.worker = w.id)
      or exists (select from ${schema.batch} b where b.worker = w.id and b.worker > 0))
  limit ${(input) => String(input.limit)}::text::bigint
  for update skip locked
)
update ${schema.worker} w
set stopped_at = null
from holding where w.ctid = holding.row
returning w.id::text`;
