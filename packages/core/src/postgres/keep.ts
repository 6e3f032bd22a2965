import { sql } from "../statement.ts";
import { nowText } from "./fence.ts";
import type { Schema } from "./schema.ts";

/**
 * Makes the partitions that finished jobs will need, and drops those that are past: see sql/0012_retention.sql.
 * Answers what was done, and what was put off and why: three JSON arrays of text.
 */
export const keep = (schema: Schema) => sql<{ readonly now?: string | null | undefined }>`
select to_json(made)::text as made, to_json(dropped)::text as dropped, to_json(put_off)::text as "putOff"
from ${schema.keep}(${nowText}::text::timestamptz)`;
