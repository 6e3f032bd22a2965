import { sql } from "../statement.ts";
import type { StoredError } from "./discard.ts";
import {
  held,
  nowText,
  type SettleInput,
  type Settlement,
  settings,
  settlementsText,
  statuses,
} from "./fence.ts";
import type { Schema } from "./schema.ts";

export interface Retry extends Settlement {
  readonly delayMs: number;
  /** Why it failed; null where it asked to be run later, which uses no attempt. */
  readonly error: StoredError | null;
}

/**
 * Ends attempts as failed, or as put off, and puts their jobs back, to be run again after a delay. The job takes a new
 * position, so that nothing appears behind the place that claims have reached; in a queue of strict order it keeps
 * its place, and its slot, so that its key waits for it. One that is to be cancelled does not wait: its next attempt
 * hears of it. It does not take its unique key again, and so never
 * conflicts with a newer job that has it.
 */
export const retry = (schema: Schema) => sql<SettleInput<Retry>>`
with input as materialized (
  select *, coalesce(${nowText}::text::timestamptz, statement_timestamp()) as now
  from json_to_recordset(${settlementsText}::text::json) as i(id bigint, claim bigint, "delayMs" float8, error jsonb)
), held as materialized (${held(schema)}
), failed as (
  insert into ${schema.attempt} (job, attempt, queue, worker, started_at, finished_at, outcome, error, keep_until)
  select j.id, j.attempt, j.queue, j.worker, j.started_at, held.now, case when held.error is null then 'snoozed' else 'failed' end, held.error,
    ${schema.keepAttemptUntil}(settled, held.now + least(held."delayMs", 31536000000) * interval '1 millisecond')
  from held join ${schema.job} j on j.id = held.id ${settings(schema, "j.queue")}
), returned as (
  update ${schema.job} j
  set state = (case when held."delayMs" > 0 and j.cancelled_at is null or q.fifo then 'scheduled' else 'ready' end)::${schema.jobState},
    run_at = held.now + case when j.cancelled_at is null then held."delayMs" else 0 end * interval '1 millisecond', attempt = j.attempt - (held.error is null)::integer,
    position = case when q.fifo and j.slot and j.partition_key is not null then j.position else nextval(${schema.position}) end, slot = j.slot and coalesce(q.fifo, false),
    worker = null, claim = null, started_at = null, prefetched = false
  from held join ${schema.job} k on k.id = held.id left join ${schema.queue} q on q.name = k.queue
  where j.id = held.id
  returning j.queue, k.slot and not j.slot as freed
), woken as materialized (
  select ${schema.wake}(queue) from (select distinct queue from returned where freed) q
)
${statuses(schema)}, (select count(*) from woken) w`;
