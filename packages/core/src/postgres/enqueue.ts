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
 * One job without a unique key: one call of a function that does one INSERT, whose plan the session keeps. No row
 * is answered, and none written, where the pin is another transaction's; `xid` in the answer pins the handle.
 */
export const enqueue = (schema: Schema) => sql<EnqueueInput>`
select job_id as id, job_state as state, xid
from ${schema.enqueueOne}(${({ row }) => row.queue}::text, ${({ row }) => row.name}::text, ${({ row }) => row.version}::text,
  ${({ row }) => row.priority}::text, ${({ row }) => row.maxAttempts}::text, ${({ row }) => row.partitionKey}::text,
  ${({ row }) => row.payload}::text, ${({ row }) => row.headers}::text, ${({ row }) => row.runAt}::text, ${({ row }) => row.delayMs}::text,
  ${({ guarded }) => String(guarded)}::text, ${({ pin }) => pin}::text)`;
