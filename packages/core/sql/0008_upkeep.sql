-- safe online: yes
--
-- What some worker has to do for all of them, now and then: each part takes what it can lock, up to a bound, and
-- leaves the rest for the next time.

-- Takes the jobs of workers that have been silent for longer than their lease. The attempt counts, since its handler
-- may have started: a job that has attempts left is ready again, one that has none is dead. It does not count where
-- the job was claimed ahead and its start was never written. `wanted`: of one job that has a row of its own.
create function pillion.rescue(most integer, now timestamptz default null, wanted bigint default null)
returns table (id bigint, name text, attempt integer, state pillion.job_state)
language plpgsql
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
begin
  -- Locked, so that what somebody else has locked is never all that is looked at.
  perform pillion.unpack(array(
    select b.claim from pillion.worker w
    cross join lateral (
      select b.claim from pillion.batch b where b.worker = w.id and b.worker > 0 order by b.claim limit 10 for update skip locked) b
    where rescue.wanted is null and w.stopped_at is null
      and w.heartbeat_at < coalesce(rescue.now, statement_timestamp()) - w.lease_ms * interval '1 millisecond'
    limit 10), null);
  return query
  with silent as materialized (
    select w.id, w.label, c.now
    from (select coalesce(rescue.now, statement_timestamp()) as now) c
    join pillion.worker w on w.stopped_at is null and w.heartbeat_at < c.now - w.lease_ms * interval '1 millisecond'
  ), held as materialized (
    select j.ctid as row, s.now, coalesce(j.attempt >= j.max_attempts, false) and not j.prefetched as spent,
      jsonb_build_object('name', 'LeaseLostError', 'code', 'LEASE_LOST', 'message',
        format('Worker %s (%s) was silent for longer than its lease while it ran this attempt', s.id, s.label)) as error
    from silent s cross join lateral (
      select j.ctid, j.attempt, j.max_attempts, j.prefetched from pillion.job j
      where j.state = 'running' and j.worker = s.id and (rescue.wanted is null or j.id = rescue.wanted)
      limit rescue.most
      for update skip locked
    ) j
    limit rescue.most
  ), lost as (
    insert into pillion.attempt (job, attempt, queue, worker, started_at, finished_at, outcome, error, keep_until)
    select j.id, j.attempt, j.queue, j.worker, j.started_at, held.now, case when j.prefetched then 'released' else 'lost' end, held.error,
      pillion.keep_attempt_until(q, held.now)
    from held join pillion.job j on j.ctid = held.row left join pillion.queue q on q.name = j.queue
    where not held.spent and j.cancelled_at is null
  ), returned as (
    update pillion.job j
    set state = 'ready', attempt = j.attempt - j.prefetched::integer, lost = least(j.lost + 1, 32767), prefetched = false, slot = false,
      position = case when j.slot and j.partition_key is not null then j.position else nextval('pillion.position') end, worker = null, claim = null, started_at = null
    from held where j.ctid = held.row and not held.spent and j.cancelled_at is null
    returning j.id, j.name, j.queue, j.attempt, j.state
  ), ended as (
    delete from pillion.job j using held where j.ctid = held.row and (held.spent or j.cancelled_at is not null)
    returning j.id, j.queue, j.name, j.version, j.priority, j.attempt, j.max_attempts, j.created_at, j.run_at, j.start_before, j.started_at, j.worker,
      j.unique_key, j.partition_key, j.enqueued_xid, j.parent, j.payload, j.headers, j.slot, j.position, held.error, held.now,
      (case when j.cancelled_at is null then 'dead' else 'cancelled' end)::pillion.job_state as state
  ), archived as (
    insert into pillion.archive (id, queue, name, version, priority, attempt, max_attempts, created_at, run_at, start_before, started_at, worker,
      unique_key, partition_key, enqueued_xid, parent, payload, headers, state, finished_at, error, keep_until)
    select e.id, e.queue, e.name, e.version, e.priority, e.attempt, e.max_attempts, e.created_at, e.run_at, e.start_before, e.started_at, e.worker,
      e.unique_key, e.partition_key, e.enqueued_xid, e.parent, e.payload, e.headers, e.state, e.now, e.error, pillion.keep_until(q, e.state, e.now)
    from ended e left join pillion.queue q on q.name = e.queue
  ), blocked as (
    insert into pillion.blocked_key (queue, partition_key, job, position)
    select e.queue, e.partition_key, e.id, e.position from ended e join pillion.queue q on q.name = e.queue
    where e.state = 'dead' and e.slot and q.fifo and q.fifo_on_dead = 'block' and e.partition_key is not null
    on conflict do nothing
  ), woken as materialized (
    select pillion.wake(q.queue) from (select queue from returned union select queue from ended) q
  )
  select r.id, r.name, r.attempt, r.state from returned r, (select count(*) from woken) w
  union all
  select e.id, e.name, e.attempt, e.state from ended e;
end $$;

-- The same one job at a time, where one among them cannot be rescued: it keeps no other from it. A hundred at most, by
-- chance, so that many such jobs keep nobody out for ever.
create function pillion.rescue_singly() returns json
language plpgsql
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  lost    bigint;
  rescued json[] := '{}';
begin
  begin
    perform pillion.unpack(array(
      select b.claim from pillion.worker w
      cross join lateral (
        select b.claim from pillion.batch b where b.worker = w.id and b.worker > 0 order by b.claim limit 10 for update skip locked) b
      where w.stopped_at is null and w.heartbeat_at < statement_timestamp() - w.lease_ms * interval '1 millisecond'
      limit 10), null);
  exception when others then
    -- Whoever called has named it.
  end;
  for lost in
    select j.id from pillion.worker w cross join lateral (
      select r.id from pillion.job r where r.state = 'running' and r.worker = w.id limit 10000) j
    where w.stopped_at is null and w.heartbeat_at < statement_timestamp() - w.lease_ms * interval '1 millisecond'
    order by random() limit 100
  loop
    begin
      rescued := rescued || array(select to_json(r) from pillion.rescue(1, null, lost) r);
    exception when others then
    end;
  end loop;
  return array_to_json(rescued);
end $$;

-- Makes scheduled jobs whose time has come ready, and wakes a sleeping worker for each of their queues. A job that has
-- kept the slot of its key, as strict order asks, keeps its place too. Answers how many, and in how many milliseconds the next
-- job, and the next schedule, is due (null where none is).
create function pillion.promote(most integer, now timestamptz default null)
returns table (promoted bigint, next_ms bigint, schedule_ms bigint)
language plpgsql
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  at constant timestamptz := coalesce(now, statement_timestamp());
begin
  with due as materialized (
    select j.ctid as row from pillion.job j
    where j.state = 'scheduled' and j.run_at <= at
    order by j.run_at
    limit most
    for update skip locked
  ), ready as (
    update pillion.job j set state = 'ready', position = case when j.slot and j.partition_key is not null then j.position else nextval('pillion.position') end, slot = false
    from due where j.ctid = due.row
    returning j.queue
  ), woken as materialized (
    select pillion.wake(r.queue) from (select distinct queue from ready) r
  )
  select count(*) into promoted from ready, (select count(*) from woken) w;
  select ceil(date_part('epoch', j.run_at - at) * 1000) into next_ms from pillion.job j
  where j.state = 'scheduled' and j.run_at > at and j.run_at < 'infinity' order by j.run_at limit 1;
  select coalesce(greatest(ceil(date_part('epoch', s.due_at - at) * 1000), 0), 0) into schedule_ms from pillion.schedule s
  where s.paused_at is null and s.due_at is distinct from 'infinity' order by s.due_at nulls first limit 1;
  return next;
end $$;

-- One beat of a worker: renews its lease, and does what is due for all. `asleep` names the queues in which it says
-- that it sleeps, on this very connection: a lock that each enqueue, or its commit, tries. The look comes after the lock,
-- so that what commits between the worker's last claim and its sleep is seen. Where it cannot have the lock because
-- transactions that are open have enqueued, they will not wake it; where another worker has it, they will.
-- Answers one JSON text: see tick.ts, which reads it. A part that fails is named and keeps no other from being done.
create function pillion.tick(worker bigint, since bigint, asleep text[], queues text[], priorities smallint[], bounds bigint[], names text[], versions integer[], most integer)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_variable
declare
  known     boolean := false;
  shared    boolean;
  held      json;
  cancelled json;
  rescued   json;
  due       record;
  locked    json;
  enqueuing json;
  ready     boolean;
  special   json;
  met       boolean := true;
  failed    text[] := '{}';
begin
  if worker is not null then
    update pillion.worker w set heartbeat_at = statement_timestamp(), stopped_at = null where w.id = worker;
    known := found;
    select exists (
      select from pillion.worker me join pillion.worker o on o.id <> me.id and o.queues && me.queues
      where me.id = tick.worker and o.stopped_at is null and o.heartbeat_at > statement_timestamp() - o.lease_ms * interval '1 millisecond')
    into shared;
    -- Cancelled while their attempt ended: what goes on after all, or runs again by now, hears of it there. Those of a
    -- claim that is gone are anybody's to deliver, since their worker may be gone too. `offset 0`: looked for one by one.
    with late as materialized (
      select c.ctid as row, c.job, c.at from pillion.cancellation c
      where not exists (select from pillion.batch b where b.claim = c.claim offset 0) or c.worker = tick.worker and not exists (
        select from pillion.batch b cross join lateral unnest(b.ids, b.done) e(id, done) where b.claim = c.claim and e.id = c.job and not e.done
        offset 0)
      limit most
      for update skip locked
    ), own_row as materialized (
      select j.ctid as row, late.job, late.at from late cross join lateral (
        select j.ctid from pillion.job j where j.id = late.job for update skip locked) j
    ), marked as (
      -- What sleeps is to hear of it now.
      update pillion.job j set cancelled_at = coalesce(j.cancelled_at, o.at), run_at = least(j.run_at, statement_timestamp())
      from own_row o where j.ctid = o.row
    ), passed_on as (
      insert into pillion.cancellation (worker, claim, job, at)
      select b.worker, b.claim, late.job, late.at
      from late cross join lateral (
        select b.worker, b.claim from pillion.batch b cross join lateral unnest(b.ids, b.done) e(id, done) where e.id = late.job and not e.done
        offset 0) b
      on conflict do nothing
    )
    -- What somebody has locked, or moves at this moment, is delivered at the next beat.
    delete from pillion.cancellation c using late
    where c.ctid = late.row and (late.job in (select o.job from own_row o) or not exists (select from pillion.job j where j.id = late.job offset 0));
    select json_agg(r.key), json_agg(r.key) filter (where r.cancelled) into held, cancelled
    from (
      select j.id || ':' || j.claim as key, j.cancelled_at is not null as cancelled
      from pillion.job j where j.state = 'running' and j.worker = tick.worker and j.claim >= since
      union all
      select e.id || ':' || b.claim, exists (select from pillion.cancellation c where c.worker = b.worker and c.claim = b.claim and c.job = e.id)
      from pillion.batch b cross join lateral unnest(b.ids, b.done) e(id, done)
      where b.worker = tick.worker and b.worker > 0 and b.claim >= since and not e.done
    ) r;
  end if;
  begin
    select json_agg(r) into rescued from pillion.rescue(most) r;
  exception when others then
    failed := failed || ('rescue jobs of silent workers: ' || sqlerrm);
    rescued := pillion.rescue_singly();
  end;
  begin
    met := pillion.meet(most);
  exception when others then
    failed := failed || ('wake jobs for what they wait for: ' || sqlerrm);
  end;
  begin
    select * into due from pillion.promote(most);
  exception when others then
    failed := failed || ('promote scheduled jobs: ' || sqlerrm);
    due := null;
  end;
  if cardinality(asleep) > 0 then
    select json_agg(a.queue) filter (where a.got), json_agg(a.queue) filter (where a.open) into locked, enqueuing
    from (
      select t.queue, t.got, case when not t.got and pg_try_advisory_lock_shared('pillion.job'::regclass::oid::int4, hashtext(t.queue)) then
        pg_advisory_unlock_shared('pillion.job'::regclass::oid::int4, hashtext(t.queue)) end as open
      from (select q as queue, pg_try_advisory_lock('pillion.job'::regclass::oid::int4, hashtext(q)) as got from unnest(asleep) q offset 0) t
      offset 0
    ) a;
  end if;
  select exists (
    select from unnest(queues, priorities, bounds) lane(queue, priority, bound)
    left join pillion.queue q on q.name = lane.queue
    cross join lateral (
      select from pillion.job j
      where j.state = 'ready' and j.partition_key is null and j.queue = lane.queue and j.priority = lane.priority and j.position >= lane.bound
        and case when (j.name, j.version) in (select h.name, h.version from unnest(names, versions) h(name, version)) then true end
      order by j.position
      limit 1
    ) first
    where q.paused_at is null and q.limited is not true
  ) into ready;
  -- Queues in which a claim must look at limits or at keys, and something waits.
  select json_agg(lane.queue) into special
  from (select distinct queue from unnest(queues) lane(queue)) lane left join pillion.queue q on q.name = lane.queue
  where q.paused_at is null and coalesce(
    (select true from pillion.job j where j.state = 'ready' and j.partition_key is not null and j.queue = lane.queue limit 1),
    case when q.limited then (
      select true from pillion.job j where j.state = 'ready' and j.partition_key is null and j.queue = lane.queue limit 1) end);
  return json_build_object('known', known, 'shared', shared, 'held', coalesce(held, '[]'), 'cancelled', coalesce(cancelled, '[]'), 'rescued', coalesce(rescued, '[]'),
    'promoted', due.promoted, 'nextMs', due.next_ms, 'scheduleMs', due.schedule_ms, 'locked', coalesce(locked, '[]'), 'enqueuing', coalesce(enqueuing, '[]'), 'ready', ready,
    'special', coalesce(special, '[]'), 'met', met, 'failed', to_json(failed));
end $$;

-- The names of the jobs that are first in their lanes, `most` over all lanes, as many of each; and of as many that have partition
-- keys, over all queues. What nobody takes is what stays in front. A bounded look, since a queue may be long: each part is
-- in the order of an index, and reads no more than it answers, whatever is known of the table.
create function pillion.waiting(most bigint) returns table (queue text, name text)
language sql stable
set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
as $$
  with recursive lane(queue, priority, n) as (
    (select j.queue, j.priority, 1 from pillion.job j where j.state = 'ready' and j.partition_key is null
     order by j.queue, j.priority limit 1)
    union all
    select next.queue, next.priority, lane.n + 1 from lane cross join lateral (
      select j.queue, j.priority from pillion.job j
      where j.state = 'ready' and j.partition_key is null and (j.queue, j.priority) > (lane.queue, lane.priority)
      order by j.queue, j.priority limit 1) next
    where lane.n < 1000
  ), line(queue, n) as (
    (select j.queue, 1 from pillion.job j where j.state = 'ready' and j.partition_key is not null order by j.queue limit 1)
    union all
    select next.queue, line.n + 1 from line cross join lateral (
      select j.queue from pillion.job j where j.state = 'ready' and j.partition_key is not null and j.queue > line.queue
      order by j.queue limit 1) next
    where line.n < 1000
  )
  select first.queue, first.name from lane cross join lateral (
    select j.queue, j.name from pillion.job j
    where j.state = 'ready' and j.partition_key is null and j.queue = lane.queue and j.priority = lane.priority
    order by j.position limit greatest(most / (select count(*) from lane), 1)) first
  union all
  select first.queue, first.name from line cross join lateral (
    select j.queue, j.name from pillion.job j where j.state = 'ready' and j.partition_key is not null and j.queue = line.queue
    order by j.partition_key, j.priority desc, j.position limit greatest(most / (select count(*) from line), 1)) first
$$;
revoke execute on function pillion.rescue, pillion.rescue_singly, pillion.promote, pillion.tick, pillion.waiting from public;
