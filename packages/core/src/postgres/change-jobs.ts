import { limits } from "../defaults.ts";
import { sql } from "../statement.ts";
import type { Schema } from "./schema.ts";

/** How a verb is to be done: refused outside a transaction or not, and in which transaction alone. */
export interface Doing {
  readonly guarded: boolean;
  readonly pin: string | null;
}

export interface ChangeJobsInput extends Doing {
  /** A filter as JSON text. */
  readonly filter: string;
}

export interface RescheduleInput extends ChangeJobsInput {
  readonly runAt: string | null;
  readonly delayMs: string | null;
}

const filter = (input: ChangeJobsInput): string => input.filter;
export const guarded = (input: Doing): string => String(input.guarded);
export const pin = (input: Doing): string | null => input.pin;

/** Ends jobs that wait, and marks those that run. What they are told at COMMIT is in the function. */
export const cancelJobs = (schema: Schema) => sql<ChangeJobsInput>`
select ${schema.cancel}(${filter}::text::jsonb, ${guarded}::text::boolean, ${pin}::text, ${`${limits.changedJobs}`}) as answer`;

/** Brings back jobs that have ended; makes those ready that wait for another attempt. */
export const retryJobs = (schema: Schema) => sql<ChangeJobsInput>`
select ${schema.retry}(${filter}::text::jsonb, ${guarded}::text::boolean, ${pin}::text, ${`${limits.changedJobs}`}) as answer`;

/** Moves jobs that wait to another time. */
export const rescheduleJobs = (schema: Schema) => sql<RescheduleInput>`
select ${schema.reschedule}(${filter}::text::jsonb, ${(input) => input.runAt}::text::timestamptz, ${(input) => input.delayMs}::text::float8,
  ${guarded}::text::boolean, ${pin}::text, ${`${limits.changedJobs}`}) as answer`;
