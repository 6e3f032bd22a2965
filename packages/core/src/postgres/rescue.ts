import { sql } from "../statement.ts";
import { archiveColumns, nowText, settings } from "./fence.ts";
import type { Schema } from "./schema.ts";

export interface RescueInput {
  readonly limit: number;
  readonly now?: string | null | undefined;
}

/**
 * Takes the jobs of workers that have been silent for longer than their lease. The attempt counts, since its
 * handler may have started: a job that has attempts left is ready again, one that has none is dead.
 */
export const rescue = (schema: Schema) => sql<RescueInput>`
with clock as materialized (
  select coalesce(${nowText}::text::timestamptz, statement_timestamp()) as now
), silent as materialized (
  select w.id, w.label, clock.now from ${schema.worker} w, clock
  where w.stopped_at is null and w.heartbeat_at < clock.now - w.lease_ms * interval '1 millisecond'
), held as materialized (
  select j.id, s.now, jsonb_build_object('name', 'LeaseLostError', 'code', 'LEASE_LOST', 'message',
      format('Worker %s (%s) was silent for longer than its lease while it ran this attempt', s.id, s.label)) as error,
    coalesce(j.attempt >= j.max_attempts, false) as spent
  from ${schema.job} j join silent s on s.id = j.worker
  where j.state = 'running'
  order by j.id
  limit ${(input) => String(input.limit)}::text::bigint
  for update of j skip locked
), lost as (
  insert into ${schema.attempt} (job, attempt, worker, started_at, finished_at, outcome, error, keep_until)
  select j.id, j.attempt, j.worker, j.started_at, held.now, 'lost', held.error, ${schema.keepAttemptUntil}(settled, held.now)
  from held join ${schema.job} j on j.id = held.id ${settings(schema, "j.queue")} where not held.spent
), returned as (
  update ${schema.job} j
  set state = 'ready', position = nextval(${schema.position}), worker = null, claim = null, started_at = null
  from held where j.id = held.id and not held.spent
  returning j.id, j.name, j.queue, j.attempt
), ended as (
  delete from ${schema.job} j using held where j.id = held.id and held.spent returning j.*, held.error, held.now
), archived as (
  insert into ${schema.archive} (${archiveColumns}, state, finished_at, error, keep_until)
  select ${archiveColumns}, 'dead', now, error, ${schema.keepUntil}(settled, 'dead', now) from ended ${settings(schema, "queue")}
), woken as materialized (
  select ${schema.wake}(queue) from (select distinct queue from returned) q
)
select id::text, name, attempt::text, 'ready' as state from returned, (select count(*) from woken) w
union all
select id::text, name, attempt::text, 'dead' from ended`;
