import type { Schema } from "./schema.ts";

/** What a worker says of one attempt it holds. */
export interface Settlement {
  readonly id: string;
  /** The fence token of the attempt. */
  readonly claim: string;
}

export interface SettleInput<S extends Settlement = Settlement> {
  readonly settlements: readonly S[];
  readonly now?: string | null | undefined;
}

/**
 * What became of a settlement: `done`; `busy`, when somebody else has the row locked at this moment, so that the
 * worker comes back for it; `lost`, when another attempt or nobody has the job.
 */
export type SettleStatus = "done" | "busy" | "lost";

export const settlementsText = (input: SettleInput): string => JSON.stringify(input.settlements);
export const nowText = (input: { readonly now?: string | null | undefined }): string | null =>
  input.now ?? null;

/** The jobs of `input` whose claim still stands and whose rows are free, locked in id order, waiting for none. */
export const held = (schema: Schema) => `
  select i.* from ${schema.job} j join input i on i.id = j.id and i.claim = j.claim
  where j.state = 'running'
  order by j.id
  for update of j skip locked`;

/** One line for each of `input`: id, claim and a {@link SettleStatus}. */
export const statuses = (schema: Schema) => `
select i.id::text, i.claim::text, case
  when h.id is not null then 'done'
  when exists (select from ${schema.job} j where j.id = i.id and j.claim = i.claim and j.state = 'running') then 'busy'
  else 'lost' end as status
from input i left join held h on h.id = i.id and h.claim = i.claim`;

/** Columns that a job takes along into the archive, in the order of {@link archived}. */
export const archiveColumns =
  "id, queue, name, version, priority, attempt, max_attempts, created_at, run_at, start_before, started_at, worker, unique_key, partition_key, enqueued_xid, parent, payload, headers";

/**
 * Joins the settings of a queue as `settled`, null where it has none, for `keepUntil` and `keepAttemptUntil`: how long
 * what ends is kept.
 */
export const settings = (schema: Schema, queue: string) =>
  `left join (select of_queue.name as settled_queue, of_queue as settled from ${schema.queue} of_queue) settings on settled_queue = ${queue}`;
