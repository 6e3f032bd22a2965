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
