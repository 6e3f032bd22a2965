import type { Enqueued, JobState } from "../job/job.ts";
import { type Row, type Statement, statement } from "../statement.ts";

/** What an enqueuing statement answers. */
export interface Answer {
  /** The transaction that it ran in, which pins a handle. */
  readonly xid: string;
  /** One for each job, in their order. */
  readonly enqueued: Enqueued[];
}

/**
 * Reads the answer: one text, `xid id,created,state id,created,state …`, because each further column or row is
 * planned, sent and parsed for every job. Undefined where nothing was written, because the statement's pin is
 * another transaction's.
 */
export function parseAnswer([row]: readonly Row[]): Answer | undefined {
  if (!row?.answer) return undefined;
  const [xid, ...jobs] = row.answer.split(" ");
  const enqueued = jobs.map((job) => {
    const [id, created, state] = job.split(",") as [string, string, JobState];
    return { id, created: created === "true", state };
  });
  return { xid: xid!, enqueued };
}

/** The statement for one job with an answer of columns, for a caller who reads it without us. */
export function inColumns({ pieces, values }: Statement): Statement {
  const parts = [...pieces];
  parts[0] = `select split_part(job, ',', 1) as id, split_part(job, ',', 2)::boolean as created, split_part(job, ',', 3) as state
from (select split_part(answer, ' ', 2) as job from (${parts[0]}`;
  parts[parts.length - 1] += ") enqueued) jobs";
  return statement(parts, values);
}
