import type { JobRow } from "../job/job.ts";
import { sql } from "../statement.ts";
import { optionsText } from "./row-text.ts";
import type { Schema } from "./schema.ts";

export interface EnqueueInput {
  readonly row: JobRow;
  /** True inside a caller's transaction; false where the statement is to commit by itself. */
  readonly guarded: boolean;
  /** The transaction id that this handle was first used in, where handles live for one transaction. */
  readonly pin: string | null;
}

/**
 * One job without a unique key: one call of a function that does one INSERT, whose plan the session keeps. The
 * answer is null, and nothing written, where the pin is another transaction's.
 */
export const enqueue = (schema: Schema) => sql<EnqueueInput>`
select ${schema.enqueueOne}(${({ row }) => row.queue}, ${({ row }) => row.name}, ${({ row }) => row.payload}, ${({ row, guarded, pin }) => optionsText(row, guarded, pin)}) as answer`;
