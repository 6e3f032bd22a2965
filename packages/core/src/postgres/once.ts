import { sql } from "../statement.ts";
import type { Doing } from "./change-jobs.ts";
import { nowText } from "./fence.ts";
import type { Schema } from "./schema.ts";

/** A call that is to be done once: what is called, and the key of this call. */
interface OnceKey {
  readonly scope: string;
  readonly key: string;
}

export interface BeginOnceInput extends OnceKey, Doing {
  readonly keepMs: number;
  readonly now?: string | null | undefined;
}

export interface EndOnceInput extends OnceKey {
  /** False: the call has failed, and its key is free again. */
  readonly answered: boolean;
  /** JSON text; null where it answered nothing. */
  readonly answer: string | null;
}

/** What a call found: the answer of an earlier one, nothing, or itself, being worked out. */
export interface Begun {
  readonly found: "answer" | "nothing" | "itself";
  readonly answer?: unknown;
  /** The answer was nothing, which JSON cannot tell from null. */
  readonly empty?: boolean;
}

export const beginOnce = (schema: Schema) => sql<BeginOnceInput>`
select ${schema.beginOnce}(${({ scope }) => scope}::text, ${({ key }) => key}::text, ${({ keepMs }) => String(keepMs)}::text::float8,
  ${({ guarded }) => String(guarded)}::text::boolean, ${({ pin }) => pin}::text, ${nowText}::text::timestamptz) as answer`;

export const endOnce = (schema: Schema) => sql<EndOnceInput>`
select ${schema.endOnce}(${({ scope }) => scope}::text, ${({ key }) => key}::text, ${({ answered }) => String(answered)}::text::boolean,
  ${({ answer }) => answer}::text::json)::text as done`;

/** Removes answers that are kept no longer, as far as nobody has them locked. */
export const sweepAnswers = (schema: Schema) => sql<{ readonly limit: number; readonly now?: string | null }>`
delete from ${schema.idempotency} i where i.ctid = any (array(
  select i.ctid from ${schema.idempotency} i
  where i.expires_at <= coalesce(${nowText}::text::timestamptz, statement_timestamp())
  limit ${({ limit }) => String(limit)}::text::bigint for update skip locked))`;
