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
  const text = row?.answer;
  if (!text) return undefined;
  let end = text.indexOf(" ");
  const xid = text.slice(0, end);
  const enqueued: Enqueued[] = [];
  // By positions: one job is the usual, and arrays of its parts would cost as much as all the rest.
  while (end < text.length) {
    const id = end + 1;
    const created = text.indexOf(",", id) + 1;
    const state = text.indexOf(",", created) + 1;
    end = text.indexOf(" ", state);
    if (end < 0) end = text.length;
    enqueued.push({
      id: text.slice(id, created - 1),
      created: text.startsWith("true", created),
      state: text.slice(state, end) as JobState,
    });
  }
  return { xid, enqueued };
}

/** The statement for one job with an answer of columns, for a caller who reads it without us. */
export function inColumns({ pieces, values }: Statement): Statement {
  const parts = [...pieces];
  parts[0] = `select split_part(job, ',', 1) as id, split_part(job, ',', 2)::boolean as created, split_part(job, ',', 3) as state
from (select split_part(answer, ' ', 2) as job from (${parts[0]}`;
  parts[parts.length - 1] += ") enqueued) jobs";
  return statement(parts, values);
}
