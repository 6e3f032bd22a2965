import { sql } from "../statement.ts";
import { nowText } from "./fence.ts";
import type { Schema } from "./schema.ts";

export interface PromoteInput {
  readonly limit: number;
  readonly now?: string | null | undefined;
}

/**
 * Makes scheduled jobs whose time has come ready. Answers how many, and in how many milliseconds the next one, and the
 * first schedule, is due (null where none is).
 */
export const promote = (schema: Schema) => sql<PromoteInput>`
select promoted::text, next_ms::text as "nextMs", schedule_ms::text as "scheduleMs"
from ${schema.promote}(${(input) => String(input.limit)}::text::integer, ${nowText}::text::timestamptz)`;
