import type { EncryptedValue } from "../codec/seal.ts";
import { sql } from "../statement.ts";
import {
  archiveColumns,
  held,
  nowText,
  type SettleInput,
  type Settlement,
  settings,
  settlementsText,
  statuses,
} from "./fence.ts";
import type { Schema } from "./schema.ts";

/** An error as it is stored. */
export interface StoredError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly code?: string | undefined;
  /** All of it, of a job with a codec. */
  readonly encrypted?: EncryptedValue | undefined;
}

export interface Discard extends Settlement {
  readonly state: "dead" | "cancelled";
  readonly error: StoredError;
}

/** Ends attempts without success: each job moves to the archive, with the error that ended it. */
export const discard = (schema: Schema) => sql<SettleInput<Discard>>`
with input as materialized (
  select * from json_to_recordset(${settlementsText}::text::json) as i(id bigint, claim bigint, state ${schema.jobState}, error jsonb)
), held as materialized (${held(schema)}
), ended as (
  delete from ${schema.job} j using held where j.id = held.id returning j.*, held.error, held.state as ends,
    coalesce(${nowText}::text::timestamptz, statement_timestamp()) as now
), archived as (
  insert into ${schema.archive} (${archiveColumns}, state, finished_at, error, keep_until)
  select ${archiveColumns}, ends, now, error, ${schema.keepUntil}(settled, ends, now) from ended ${settings(schema, "queue")}
), blocked as (
  -- In strict order the key may be to wait until somebody has looked at it.
  insert into ${schema.blockedKey} (queue, partition_key, job, position)
  select e.queue, e.partition_key, e.id, e.position from ended e join ${schema.queue} q on q.name = e.queue
  where e.ends = 'dead' and e.slot and q.fifo and q.fifo_on_dead = 'block' and e.partition_key is not null
  on conflict do nothing
), woken as materialized (
  select ${schema.wake}(queue) from (select distinct queue from ended where slot) q
)
${statuses(schema)}, (select count(*) from woken) w`;
