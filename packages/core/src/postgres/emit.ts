import { sql } from "../statement.ts";
import type { Doing } from "./change-jobs.ts";
import { nowText } from "./fence.ts";
import type { Schema } from "./schema.ts";

export interface EmitInput extends Doing {
  readonly name: string;
  readonly key: string;
  /** JSON text. */
  readonly payload: string;
  readonly keepMs: number;
  readonly now?: string | null | undefined;
}

/** Says that something has happened: sql/0015_steps.sql says how. */
export const emit = (schema: Schema) => sql<EmitInput>`
select ${schema.emit}(${({ name }) => name}::text, ${({ key }) => key}::text, ${({ payload }) => payload}::text::jsonb,
  ${({ keepMs }) => String(keepMs)}::text::float8, ${({ guarded }) => String(guarded)}::text::boolean, ${({ pin }) => pin}::text,
  ${nowText}::text::timestamptz) as answer`;
