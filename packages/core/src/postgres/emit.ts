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

/** What has happened, for as long as it can be waited for; no row where it has not. */
export const findEvent = (schema: Schema) => sql<{ readonly name: string; readonly key: string }>`
select e.payload::text, to_json(e.emitted_at) #>> '{}' as "emittedAt", to_json(e.expires_at) #>> '{}' as "keptUntil"
from ${schema.event} e
where e.name = ${({ name }) => name}::text and e.key = ${({ key }) => key}::text and e.expires_at > statement_timestamp()`;
