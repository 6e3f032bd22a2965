import type { Enqueued, JobState } from "../job/job.ts";
import { type Row, type Statement, statement } from "../statement.ts";

/**
 * Reads what the enqueuing statements answer for each job: one column, `id created state xid`, because each further
 * column is planned, sent and parsed for every job. The transaction id is what pins a handle. Undefined where
 * nothing was written, because the statement's pin is another transaction's.
 */
export function parseAnswer(row: Row | undefined): { enqueued: Enqueued; xid: string } | undefined {
  if (!row?.answer) return undefined;
  const [id, created, state, xid] = row.answer.split(" ") as [string, string, JobState, string];
  return { enqueued: { id, created: created === "true", state }, xid };
}

/** The same statement with an answer of columns, for a caller who reads it without us. */
export function inColumns({ pieces, values }: Statement): Statement {
  const parts = [...pieces];
  parts[0] = `select split_part(answer, ' ', 1) as id, split_part(answer, ' ', 2)::boolean as created,
  split_part(answer, ' ', 3) as state from (${parts[0]}`;
  parts[parts.length - 1] += ") enqueued";
  return statement(parts, values);
}
