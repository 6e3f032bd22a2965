import { sql } from "../statement.ts";
import { nowText } from "./fence.ts";
import type { Schema } from "./schema.ts";

export interface RescueInput {
  readonly limit: number;
  readonly now?: string | null | undefined;
}

/** Takes the jobs of workers that have been silent for longer than their lease: sql/0008_upkeep.sql says how. */
export const rescue = (schema: Schema) => sql<RescueInput>`
select id::text, name, attempt::text, state::text
from ${schema.rescue}(${(input) => String(input.limit)}::text::integer, ${nowText}::text::timestamptz)`;
