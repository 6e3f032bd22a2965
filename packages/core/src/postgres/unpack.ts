import { sql } from "../statement.ts";
import { numberArray } from "./arrays.ts";
import type { Schema } from "./schema.ts";

export interface UnpackInput {
  readonly claims: readonly string[];
  readonly ids: readonly string[];
}

/**
 * Gives jobs of batches rows of their own, which every statement but a completion is about. Answers the claims that
 * somebody else has locked.
 */
export const unpack = (schema: Schema) => sql<UnpackInput>`
select to_json(${schema.unpack}(${(input) => numberArray(input.claims)}::text::bigint[], ${(input) => numberArray(input.ids)}::text::bigint[]))::text as busy`;
