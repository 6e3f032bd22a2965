import { sql } from "../statement.ts";
import { numberArray, textArray } from "./arrays.ts";
import { type Doing, guarded, pin } from "./change-jobs.ts";
import { nowText } from "./fence.ts";
import type { Schema } from "./schema.ts";

// What tests do with the jobs of their own transaction: sql/0016_testing.sql says how.

export interface StartHereInput extends Doing {
  /** `name@version` of what has a handler. */
  readonly handled: readonly string[];
  /** Ids of jobs that have had their turn. */
  readonly passed: readonly string[];
  readonly now: string | null;
}

export interface EndHereInput {
  readonly id: string;
  readonly claim: string;
  readonly outcome: "completed" | "failed" | "snoozed" | "dead" | "cancelled";
  /** When it runs again, of what failed or was put off. */
  readonly delayMs: number;
  /** Its result, or the error, as JSON text. */
  readonly detail: string | null;
  readonly now: string | null;
}

export const enqueuedHere = (schema: Schema) => sql<Doing>`
select ${schema.enqueuedHere}(${pin}::text) as answer`;

export const startHere = (schema: Schema) => sql<StartHereInput>`
select ${schema.startHere}(${({ handled }) => textArray(handled)}::text::text[], ${({ passed }) => numberArray(passed)}::text::bigint[],
  ${nowText}::text::timestamptz, ${guarded}::text::boolean, ${pin}::text) as answer`;

export const endHere = (schema: Schema) => sql<EndHereInput>`
select ${schema.endHere}(${({ id }) => id}::text::bigint, ${({ claim }) => claim}::text::bigint, ${({ outcome }) => outcome}::text,
  ${({ delayMs }) => String(delayMs)}::text::float8, ${({ detail }) => detail}::text::jsonb, ${nowText}::text::timestamptz)::text as done`;
