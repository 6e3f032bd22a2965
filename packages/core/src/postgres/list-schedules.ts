import { sql } from "../statement.ts";
import type { Schema } from "./schema.ts";

export interface ListSchedulesInput {
  /** The name after which to begin; empty for the first. */
  readonly after: string;
  readonly limit: number;
}

/** A page of schedules by name, each as one JSON text. */
export const listSchedules = (schema: Schema) => sql<ListSchedulesInput>`
select to_json(s)::text as schedule from ${schema.schedule} s
where s.name > ${({ after }) => after}::text
order by s.name
limit ${({ limit }) => String(limit)}::text::bigint`;
