import { sql } from "../statement.ts";
import {
  archiveColumns,
  held,
  nowText,
  type SettleInput,
  type Settlement,
  settings,
  settlementsText,
  statuses,
} from "./fence.ts";
import type { Schema } from "./schema.ts";

export interface Completion extends Settlement {
  /** What the handler returned, as JSON; absent where it returned nothing. */
  readonly result?: unknown;
}

/** Ends attempts as completed: each job moves from the hot table to the archive. */
export const complete = (schema: Schema) => sql<SettleInput<Completion>>`
with input as materialized (
  select * from json_to_recordset(${settlementsText}::text::json) as i(id bigint, claim bigint, result jsonb)
), held as materialized (${held(schema)}
), ended as (
  delete from ${schema.job} j using held where j.id = held.id returning j.*, held.result,
    coalesce(${nowText}::text::timestamptz, statement_timestamp()) as now
), archived as (
  insert into ${schema.archive} (${archiveColumns}, state, finished_at, result, keep_until)
  select ${archiveColumns}, 'completed', now, result, ${schema.keepUntil}(settled, 'completed', now) from ended ${settings(schema, "queue")}
)
${statuses(schema)}`;
