import { type Row, sql } from "../statement.ts";
import type { Settlement, SettleStatus } from "./fence.ts";
import type { Schema } from "./schema.ts";

export interface CompleteInput extends Settlement {
  /** How many milliseconds after the claim its handler started. */
  readonly startedMs: number;
  /** What the handler returned, as JSON text; null where it returned nothing. */
  readonly result: string | null;
}

/** Completes one attempt inside a transaction of the application: sql/0013_effects.sql says how. */
export const complete = (schema: Schema) => sql<CompleteInput>`
select ${schema.complete}(${({ id }) => id}::text::bigint, ${({ claim }) => claim}::text::bigint,
  ${({ startedMs }) => String(Math.max(0, Math.round(startedMs)))}::text::integer, ${({ result }) => result}::text::jsonb) as status`;

export const readComplete = ([row]: readonly Row[]): SettleStatus => row!.status as SettleStatus;

/** Whether an attempt has completed its job: for whoever did not hear what became of a COMMIT. */
export const completed = (schema: Schema) => sql<{ readonly id: string; readonly attempt: number }>`
select exists (select from ${schema.archive} a where a.id = ${({ id }) => id}::text::bigint
  and a.attempt = ${({ attempt }) => String(attempt)}::text::integer and a.state = 'completed')::text as written`;

/** Whether a client sees the jobs table of a worker. */
export const sees = (schema: Schema) => sql<{ readonly worker: string; readonly nonce: string }>`
select ${schema.sees}(${({ worker }) => worker}::text::bigint, ${({ nonce }) => nonce}::text::uuid)::text as sees`;
