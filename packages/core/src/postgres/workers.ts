import { sql } from "../statement.ts";
import type { Schema } from "./schema.ts";

/**
 * Up to 1,000 workers, those that run first, each with how many jobs it holds and the 100 that it has held longest. Of
 * all running jobs 10,000 are looked at. One JSON text each.
 */
export const workers = (schema: Schema) => sql<undefined>`
with known as materialized (
  -- One by one: those that have stopped long ago are very many.
  (select w.id, w.heartbeat_at, w.stopped_at from ${schema.worker} w where w.stopped_at is null order by w.heartbeat_at desc, w.id limit 1000)
  union all
  (select w.id, w.heartbeat_at, w.stopped_at from ${schema.worker} w where w.stopped_at > statement_timestamp() - interval '1 hour'
   order by w.stopped_at desc limit 1000)
), worker as materialized (
  select w.*, floor(greatest(date_part('epoch', statement_timestamp() - w.heartbeat_at), 0) * 1000) as silent_ms
  from (select k.id from known k order by k.stopped_at is not null, k.heartbeat_at desc, k.id limit 1000) k
  cross join lateral (select w.* from ${schema.worker} w where w.id = k.id offset 0) w
), running as materialized (
  select r.*, row_number() over (partition by r.worker order by r.claim, r.started_at nulls last, r.id) as place
  from (select l.worker, l.claim, l.id, l.name, l.queue, l.attempt, l.started_at from ${schema.live} l where l.state = 'running' limit 10000) r
), held as materialized (
  select r.worker, count(*) as jobs, json_agg(json_build_object('id', r.id::text, 'name', r.name, 'queue', r.queue, 'attempt', r.attempt,
    'startedAt', r.started_at) order by r.place) filter (where r.place <= 100) as first
  from running r group by r.worker
)
select json_build_object('id', w.id::text, 'label', w.label,
  'state', case when w.stopped_at is not null then 'stopped' when w.silent_ms > w.lease_ms then 'silent' else 'running' end,
  'queues', w.queues, 'names', w.names, 'concurrency', w.concurrency, 'leaseMs', w.lease_ms, 'startedAt', w.started_at,
  'heartbeatAt', w.heartbeat_at, 'silentMs', w.silent_ms, 'stoppedAt', w.stopped_at, 'running', coalesce(h.jobs, 0),
  'jobs', coalesce(h.first, '[]'))::text as worker
from worker w left join held h on h.worker = w.id
order by w.stopped_at is not null, w.silent_ms > w.lease_ms, w.label, w.id`;
