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

/** An error as it is stored. */
export interface StoredError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly code?: string | undefined;
}

export interface Discard extends Settlement {
  readonly error: StoredError;
}

/** Ends attempts as dead: each job moves to the archive, with the error that ended it. */
export const discard = (schema: Schema) => sql<SettleInput<Discard>>`
with input as materialized (
  select * from json_to_recordset(${settlementsText}::text::json) as i(id bigint, claim bigint, error jsonb)
), held as materialized (${held(schema)}
), ended as (
  delete from ${schema.job} j using held where j.id = held.id returning j.*, held.error,
    coalesce(${nowText}::text::timestamptz, statement_timestamp()) as now
), archived as (
  insert into ${schema.archive} (${archiveColumns}, state, finished_at, error, keep_until)
  select ${archiveColumns}, 'dead', now, error, ${schema.keepUntil}(settled, 'dead', now) from ended ${settings(schema, "queue")}
)
${statuses(schema)}`;
