import { limits } from "../defaults.ts";
import { sql } from "../statement.ts";
import type { Schema } from "./schema.ts";

/**
 * Every queue that has settings, a living worker, or jobs that are ready, run, are dead, or are among the next to be due.
 * No count looks at more than 10,000 jobs: a queue may be long.
 */
export const queues = (schema: Schema) => sql<undefined>`
with recursive lane as (
  (select j.queue from ${schema.job} j where j.state = 'ready' and j.partition_key is null order by j.queue limit 1)
  union all
  select (select j.queue from ${schema.job} j where j.state = 'ready' and j.partition_key is null and j.queue > lane.queue
          order by j.queue limit 1)
  from lane where lane.queue is not null
), line as (
  (select j.queue from ${schema.job} j where j.state = 'ready' and j.partition_key is not null order by j.queue limit 1)
  union all
  select (select j.queue from ${schema.job} j where j.state = 'ready' and j.partition_key is not null and j.queue > line.queue
          order by j.queue limit 1)
  from line where line.queue is not null
), running as materialized (
  select queue, count(*) as jobs from (select j.queue from ${schema.live} j where j.state = 'running' limit 10000) r group by queue
), scheduled as materialized (
  select queue, count(*) as jobs
  from (select j.queue from ${schema.job} j where j.state = 'scheduled' order by j.run_at limit 10000) s group by queue
), dead as materialized (
  select queue, count(*) as jobs
  from (select a.queue from ${schema.archive} a where a.state = 'dead' order by a.id desc limit 10000) d group by queue
), known as (
  select q.name from ${schema.queue} q
  union select unnest(w.queues) from ${schema.worker} w where w.stopped_at is null
  union select queue from lane where queue is not null
  union select queue from line where queue is not null
  union select queue from running
  union select queue from scheduled
  union select queue from dead
)
select known.name, to_jsonb(q)::text as settings,
  (select count(*) from (
    (select from ${schema.job} j where j.state = 'ready' and j.partition_key is null and j.queue = known.name limit 10000)
    union all
    (select from ${schema.job} j where j.state = 'ready' and j.partition_key is not null and j.queue = known.name limit 10000)
    limit 10000) r)::text as ready,
  coalesce(running.jobs, 0)::text as running, coalesce(scheduled.jobs, 0)::text as scheduled,
  coalesce(dead.jobs, 0)::text as dead,
  (select json_build_object('at', o.at, 'ms', floor(date_part('epoch', statement_timestamp() - o.at) * 1000))::text from (select min(least(o.run_at, statement_timestamp())) as at from (
    (select first.run_at from generate_series(${`${limits.minPriority}`}, ${`${limits.maxPriority}`}) p cross join lateral (
      select j.run_at from ${schema.job} j
      where j.state = 'ready' and j.partition_key is null and j.queue = known.name and j.priority = p.p
      order by j.position limit 1) first)
    union all
    (select j.run_at from ${schema.job} j where j.state = 'ready' and j.partition_key is not null and j.queue = known.name limit 10000)
  ) o) o where o.at is not null) as oldest
from known
left join ${schema.queue} q on q.name = known.name
left join running on running.queue = known.name
left join scheduled on scheduled.queue = known.name
left join dead on dead.queue = known.name
order by known.name`;

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
