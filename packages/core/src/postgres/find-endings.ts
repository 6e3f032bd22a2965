import { sql } from "../statement.ts";
import type { Schema } from "./schema.ts";

/**
 * The states of jobs, and what those left that have ended: one row for each that there is. One snapshot, so that a
 * job which ends meanwhile is seen in one of its two tables.
 */
export const findEndings = (schema: Schema) => sql<{ readonly ids: readonly string[] }>`
with wanted as materialized (
  select distinct value::bigint as id from json_array_elements_text(${({ ids }) => JSON.stringify(ids)}::text::json)
)
select j.id::text, j.name, j.state::text, null::text as result, null::text as error from ${schema.job} j join wanted using (id)
union all
select a.id::text, a.name, a.state::text, a.result::text, a.error::text from ${schema.archive} a join wanted using (id)`;
