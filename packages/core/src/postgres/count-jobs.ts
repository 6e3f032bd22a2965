import { limits } from "../defaults.ts";
import { sql } from "../statement.ts";
import { textArray } from "./arrays.ts";
import type { Schema } from "./schema.ts";

export interface CountJobsInput {
  /** A filter as JSON text. */
  readonly filter: string;
  /** Of these states alone. */
  readonly states: readonly string[];
  /** Of the scheduled ones, those that have failed. */
  readonly tried: boolean;
}

/** How many of a filter's first jobs there are, and the id after which to go on. Locks nothing. */
export const countJobs = (schema: Schema) => sql<CountJobsInput>`
with found as materialized (
  select ${schema.findJobs}(${({ filter }) => filter}::text::jsonb, ${({ states }) => textArray(states)}::text::${schema.jobState}[],
    ${`${limits.changedJobs}`}, ${({ tried }) => String(tried)}::text::boolean) as ids
)
select cardinality(ids)::text as count, case when cardinality(ids) = ${`${limits.changedJobs}`} then ids[cardinality(ids)]::text end as next
from found`;
