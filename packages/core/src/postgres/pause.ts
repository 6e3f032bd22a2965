import { sql } from "../statement.ts";
import { type Doing, guarded, pin } from "./change-jobs.ts";
import type { Schema } from "./schema.ts";

export interface PauseInput extends Doing {
  readonly queue: string;
}

/** Has no further job of the queue started. */
export const pauseQueue = (schema: Schema) => sql<PauseInput>`
select ${schema.pause}(${(input) => input.queue}::text, ${guarded}::text::boolean, ${pin}::text) as answer`;

/** Has the queue's jobs started again, and wakes its workers. */
export const resumeQueue = (schema: Schema) => sql<PauseInput>`
select ${schema.resume}(${(input) => input.queue}::text, ${guarded}::text::boolean, ${pin}::text) as answer`;
