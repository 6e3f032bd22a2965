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
  readonly error: StoredError;
}

/**
 * Ends attempts as failed and puts their jobs back, to be tried again after a delay. The job takes a new
 * position, so that nothing appears behind the place that claims have reached. It does not take its unique key
 * again, and so never conflicts with a newer job that has it.
 */
export const retry = (schema: Schema) => sql<SettleInput<Retry>>`
with input as materialized (
  select *, coalesce(${nowText}::text::timestamptz, statement_timestamp()) as now
  from json_to_recordset(${settlementsText}::text::json) as i(id bigint, claim bigint, "delayMs" float8, error jsonb)
), held as materialized (${held(schema)}
), failed as (
  insert into ${schema.attempt} (job, attempt, worker, started_at, finished_at, outcome, error, keep_until)
  select j.id, j.attempt, j.worker, j.started_at, held.now, 'failed', held.error,
    ${schema.keepAttemptUntil}(settled, held.now + least(held."delayMs", 31536000000) * interval '1 millisecond')
  from held join ${schema.job} j on j.id = held.id ${settings(schema, "j.queue")}
), returned as (
  update ${schema.job} j
  set state = (case when held."delayMs" > 0 then 'scheduled' else 'ready' end)::${schema.jobState},
    run_at = held.now + held."delayMs" * interval '1 millisecond',
    position = nextval(${schema.position}), worker = null, claim = null, started_at = null
  from held where j.id = held.id
)
${statuses(schema)}`;
