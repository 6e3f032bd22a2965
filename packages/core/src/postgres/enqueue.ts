import type { JobRow } from "../job.ts";
import { sql } from "../statement.ts";
import type { Schema } from "./schema.ts";

export interface EnqueueInput {
  readonly row: JobRow;
  /** True inside a caller's transaction; false where the statement is to commit by itself. */
  readonly guarded: boolean;
  /** The transaction id that this handle was first used in, where handles live for one transaction. */
  readonly pin: string | null;
}

/**
 * One job without a unique key: a single INSERT, because an enqueue is to cost what an INSERT costs.
 * No row is answered, and none written, where the pin is another transaction's.
 * - `guard` lets the trigger at COMMIT refuse a statement that was not inside a transaction;
 * - `xid` in the answer pins the handle.
 */
export const enqueue = (schema: Schema) => sql<EnqueueInput>`
insert into ${schema.job} (queue, name, version, priority, max_attempts, partition_key, payload, headers, guard, run_at, state)
select ${({ row }) => row.queue}::text, ${({ row }) => row.name}::text, ${({ row }) => row.version}::text::integer,
  ${({ row }) => row.priority}::text::smallint, ${({ row }) => row.maxAttempts}::text::integer,
  ${({ row }) => row.partitionKey}::text, ${({ row }) => row.payload}::text::jsonb, ${({ row }) => row.headers}::text::jsonb,
  coalesce(${({ guarded }) => (guarded ? null : "-infinity")}::text::timestamptz, statement_timestamp()),
  due.at, (case when due.at > statement_timestamp() then 'scheduled' else 'ready' end)::${schema.jobState}
from (select coalesce(${({ row }) => row.runAt}::text::timestamptz,
  statement_timestamp() + ${({ row }) => row.delayMs}::text::float8 * interval '1 millisecond', statement_timestamp()) as at,
  ${({ pin }) => pin}::text as pin) due
where due.pin is null or due.pin = pg_current_xact_id()::text
returning id::text, state::text, pg_current_xact_id()::text as xid`;
