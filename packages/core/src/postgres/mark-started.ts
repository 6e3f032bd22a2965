import { sql } from "../statement.ts";
import { held, type SettleInput, settlementsText, statuses } from "./fence.ts";
import type { Schema } from "./schema.ts";

/** Says that the handlers of jobs that were claimed ahead are about to start: from now on a crash counts as an attempt. */
export const markStarted = (schema: Schema) => sql<SettleInput>`
with input as materialized (
  select * from json_to_recordset(${settlementsText}::text::json) as i(id bigint, claim bigint)
), held as materialized (${held(schema)}
), marked as (
  update ${schema.job} j set prefetched = false, started_at = statement_timestamp() from held where j.id = held.id
)
${statuses(schema)}`;
