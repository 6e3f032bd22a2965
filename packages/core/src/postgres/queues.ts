import { sql } from "../statement.ts";
import type { Schema } from "./schema.ts";

/** Every queue that there is, as it is at the moment, and what is settled for it. sql/0017_reading.sql says what is counted. */
export const queues = (schema: Schema) => sql<undefined>`
select d.name, to_jsonb(q)::text as settings, d.ready::text, d.ready_more::text as more, d.running::text, d.scheduled::text, d.dead::text,
  case when d.oldest_at is not null then json_build_object('at', least(d.oldest_at, statement_timestamp()),
    'ms', floor(greatest(date_part('epoch', statement_timestamp() - d.oldest_at), 0) * 1000))::text end as oldest
from ${schema.queueDepths}() d left join ${schema.queue} q on q.name = d.name
order by d.name`;

export interface SetQueueInput {
  readonly queue: string;
  /** JSON text of the columns that are to change. */
  readonly columns: string;
}

const settings = (input: SetQueueInput): string => input.columns;

/** Writes what is settled for a queue. A column that is not among the given ones stays as it is. */
export const setQueue = (schema: Schema) => sql<SetQueueInput>`
insert into ${schema.queue} as q (name, concurrency, key_concurrency, rate_limit, rate_ms, key_rate_limit, key_rate_ms,
  fifo, fifo_on_dead, keep_completed_ms, keep_dead_ms, keep_cancelled_ms)
select ${(input) => input.queue}::text, s.concurrency, s.key_concurrency, s.rate_limit, s.rate_ms, s.key_rate_limit, s.key_rate_ms,
  coalesce(s.fifo, false), coalesce(s.fifo_on_dead, 'continue'), s.keep_completed_ms, s.keep_dead_ms, s.keep_cancelled_ms
from jsonb_populate_record(null::${schema.queue}, ${settings}::text::jsonb) s
on conflict (name) do update set (concurrency, key_concurrency, rate_limit, rate_ms, key_rate_limit, key_rate_ms,
  fifo, fifo_on_dead, keep_completed_ms, keep_dead_ms, keep_cancelled_ms) = (
  select n.concurrency, n.key_concurrency, n.rate_limit, n.rate_ms, n.key_rate_limit, n.key_rate_ms,
    coalesce(n.fifo, false), coalesce(n.fifo_on_dead, 'continue'), n.keep_completed_ms, n.keep_dead_ms, n.keep_cancelled_ms
  from jsonb_populate_record(q, ${settings}::text::jsonb) n)
returning name`;
