import { sql } from "../statement.ts";
import { held, nowText, type SettleInput, settings, settlementsText, statuses } from "./fence.ts";
import type { Schema } from "./schema.ts";

/**
 * Hands jobs back, ready at once and with no attempt counted, and wakes a sleeping worker for them. The attempt
 * that was broken off stays in the history.
 */
export const release = (schema: Schema) => sql<SettleInput>`
with input as materialized (
  select *, coalesce(${nowText}::text::timestamptz, statement_timestamp()) as now
  from json_to_recordset(${settlementsText}::text::json) as i(id bigint, claim bigint)
), held as materialized (${held(schema)}
), broken_off as (
  insert into ${schema.attempt} (job, attempt, queue, worker, started_at, finished_at, outcome, keep_until)
  select j.id, j.attempt, j.queue, j.worker, j.started_at, held.now, 'released', ${schema.keepAttemptUntil}(settled, held.now)
  from held join ${schema.job} j on j.id = held.id ${settings(schema, "j.queue")}
), returned as (
  update ${schema.job} j
  set state = 'ready', attempt = j.attempt - 1, position = case when j.slot and j.partition_key is not null then j.position else nextval(${schema.position}) end,
    slot = false, prefetched = false, worker = null, claim = null, started_at = null
  from held where j.id = held.id
  returning j.queue
), woken as materialized (
  select ${schema.wake}(queue) from (select distinct queue from returned) q
)
${statuses(schema)}, (select count(*) from woken) w`;
