-- safe online: yes
--
-- Durable steps: what a job has done already, what it waits for, and who is to be woken. A job with steps keeps a row of
-- its own while it runs.

-- What the steps of a job came to, in the order in which they began. A job's are removed when nothing is kept of it.
create table pillion.checkpoint (
  job       bigint not null,
  ordinal   integer not null,
  -- 'step'; 'sleep', until `until`; 'event', with `event` and `key`; 'run', of children.
  kind      text not null check (kind in ('step', 'sleep', 'event', 'run')),
  -- What a later attempt must find at this place.
  name      text not null,
  -- Recorded by the transaction of the application that holds its writes.
  effects   boolean not null default false,
  -- False while it waits.
  done      boolean not null,
  -- What it answered: of an event its payload, of children their results.
  result    jsonb,
  -- How it failed, where the handler went on all the same.
  error     jsonb,
  until     timestamptz,
  event     text,
  key       text,
  -- The children that it waits for.
  children  bigint[],
  began_at  timestamptz not null default statement_timestamp(),
  ended_at  timestamptz,
  primary key (job, ordinal)
);

-- What has happened, once for each name and key: the first emit wins. Under the empty name: a child has ended.
create table pillion.event (
  name        text not null,
  key         text not null,
  payload     jsonb not null,
  emitted_at  timestamptz not null default statement_timestamp(),
  -- Whether all that waited at its commit have been told. Who begins to wait later looks for himself.
  settled     boolean not null default false,
  expires_at  timestamptz not null,
  primary key (name, key)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
create index event_unsettled on pillion.event (emitted_at) where not settled;
create index event_expiry on pillion.event (expires_at);

-- Who waits for an event that has not happened.
create table pillion.wait (
  event     text not null,
  key       text not null,
  job       bigint not null,
  ordinal  integer not null,
  primary key (event, key, job, ordinal)
) with (autovacuum_vacuum_scale_factor = 0.05);
create index wait_job on pillion.wait (job, ordinal);

-- Jobs that wait for nothing any more, and are to be woken as soon as they sleep.
create table pillion.woken (job bigint primary key) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
-- Jobs that were cancelled, and have children that run or wait.
create table pillion.cascade (job bigint primary key) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- Whether an attempt still holds its job: locks the job's row and answers 'done'; 'busy', where somebody else has it
-- locked at this moment; 'lost', where another attempt, or nobody, has the job. From then on the job is known to have steps.
create function pillion.hold(id bigint, claim bigint) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  stepped boolean;
begin
  select coalesce(j.stepped, false) into stepped from pillion.job j where j.id = hold.id and j.claim = hold.claim for no key update skip locked;
  if not found then
    return case when exists (select from pillion.job j where j.id = hold.id and j.claim = hold.claim) then 'busy' else 'lost' end;
  end if;
  if not stepped then
    update pillion.job j set stepped = true where j.id = hold.id and j.claim = hold.claim;
  end if;
  return 'done';
end $$;

-- Records what a step came to in the transaction of the application that holds the step's writes, as the last thing
-- before its COMMIT; fenced by the attempt's claim: 'done', 'busy' or 'lost'. Said twice it is recorded once.
-- took_ms: how long ago it began.
create function pillion.checkpoint(id bigint, claim bigint, ordinal integer, name text, result jsonb, took_ms float8) returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  held text;
begin
  -- A statement that stands alone begins when its transaction does.
  if transaction_timestamp() = statement_timestamp() then
    raise exception using
      errcode = 'no_active_sql_transaction',
      message = format('pillion: step "%s" of job %s was not recorded, because the statement ran outside a transaction', checkpoint.name, checkpoint.id),
      hint = 'It is sent by stepTx, on the connection of the transaction that its function was given.';
  end if;
  held := pillion.hold(checkpoint.id, checkpoint.claim);
  if held <> 'done' then
    return held;
  end if;
  insert into pillion.checkpoint as c (job, ordinal, kind, name, effects, done, result, began_at, ended_at)
  values (checkpoint.id, checkpoint.ordinal, 'step', checkpoint.name, true, true, checkpoint.result,
    statement_timestamp() - took_ms * interval '1 millisecond', statement_timestamp())
  on conflict (job, ordinal) do update
  set done = true, result = excluded.result, ended_at = excluded.ended_at where not c.done;
  return held;
end $$;

-- Records what steps of many attempts came to, each fenced by its claim, for a worker whose jobs run side by side: one
-- commit for all of them. Steps whose writes are in a transaction of the application are recorded there, by checkpoint.
-- results, errors: JSON as text; empty where there is none. took_ms: how long ago each began.
-- Answers null, where all is recorded; else the places of those that are not, the first of all being 0, as
-- {"busy": [0, …], "lost": […]}, with the words of hold.
create function pillion.checkpoints(ids bigint[], claims bigint[], ordinals integer[], kinds text[], names text[], results text[], errors text[],
                                    took_ms float8[])
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  held  bigint[];
  fresh bigint[];
begin
  with held as materialized (
    select s.*, j.stepped
    from unnest(checkpoints.ids, checkpoints.claims, checkpoints.ordinals, checkpoints.kinds, checkpoints.names, checkpoints.results,
      checkpoints.errors, checkpoints.took_ms) with ordinality s(id, claim, step, kind, name, result, error, took_ms, place)
    cross join lateral (
      select j.stepped from pillion.job j where j.id = s.id and j.claim = s.claim for no key update skip locked) j
  ), recorded as (
    insert into pillion.checkpoint as c (job, ordinal, kind, name, done, result, error, began_at, ended_at)
    select h.id, h.step, h.kind, h.name, true, nullif(h.result, '')::jsonb, nullif(h.error, '')::jsonb,
      statement_timestamp() - h.took_ms * interval '1 millisecond', statement_timestamp()
    from held h
    on conflict (job, ordinal) do update
    set done = true, result = excluded.result, error = excluded.error, ended_at = excluded.ended_at where not c.done
  )
  select array_agg(h.place), array_agg(h.id) filter (where h.stepped is not true) into held, fresh from held h;
  if fresh is not null then
    update pillion.job j set stepped = true where j.id = any (fresh);
  end if;
  if cardinality(held) = cardinality(checkpoints.ids) then
    return null;
  end if;
  return (
    select json_build_object('busy', json_agg(s.place - 1) filter (where j.id is not null), 'lost', json_agg(s.place - 1) filter (where j.id is null))
    from unnest(checkpoints.ids, checkpoints.claims) with ordinality s(id, claim, place)
    left join lateral (select j.id from pillion.job j where j.id = s.id and j.claim = s.claim limit 1) j on true
    where s.place <> all (coalesce(held, '{}')));
end $$;

-- Records that a step waits: until a time, for an event, or for children, which are enqueued by this.
-- until_ms: from now; null for no end. jobs: what enqueue_keyed takes, each without a unique key. `now` can be later than
-- the clock, not earlier: for tests.
create function pillion.begin_wait(id bigint, claim bigint, ordinal integer, kind text, name text, until_ms float8, until timestamptz,
                                   event text, key text, jobs json, now timestamptz default null)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  at       constant timestamptz := greatest(now, statement_timestamp());
  held     text := pillion.hold(begin_wait.id, begin_wait.claim);
  children bigint[];
begin
  if held <> 'done' then
    return held;
  end if;
  -- What an answer that was lost on its way has recorded stands.
  if exists (select from pillion.checkpoint c where c.job = begin_wait.id and c.ordinal = begin_wait.ordinal) then
    return held;
  end if;
  if jobs is not null then
    children := array(select e.id from pillion.enqueue_keyed(jobs, false) e order by e.ordinal);
  end if;
  insert into pillion.checkpoint (job, ordinal, kind, name, done, children, until, event, key)
  values (begin_wait.id, begin_wait.ordinal, begin_wait.kind, begin_wait.name, false, children,
    coalesce(begin_wait.until, at + until_ms * interval '1 millisecond'), begin_wait.event, begin_wait.key);
  insert into pillion.wait (event, key, job, ordinal)
  select begin_wait.event, begin_wait.key, begin_wait.id, begin_wait.ordinal where begin_wait.event is not null
  union all
  select '', child::text, begin_wait.id, begin_wait.ordinal from unnest(children) child;
  return held;
end $$;

-- What a job's steps have come to by now. Looks for what they wait for; to be called once begin_wait is committed, since
-- what happened before that commit tells nobody. Answers {"status", "again", "steps": [[ordinal, kind, name, done, result,
-- error, delay_ms, failures], …]}; `again`: look once more. `now` can be later than the clock, not earlier: for tests.
create function pillion.read_steps(id bigint, claim bigint, now timestamptz default null) returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  at       constant timestamptz := greatest(now, statement_timestamp());
  held     text := pillion.hold(read_steps.id, read_steps.claim);
  again    boolean := false;
  waiting  record;
  endings  jsonb;
  failures jsonb := '{}';
begin
  if held <> 'done' then
    return json_build_object('status', held)::text;
  end if;
  -- Before the look: who says so after it says it to the job that sleeps then.
  delete from pillion.woken w where w.ctid = any (array(select w.ctid from pillion.woken w where w.job = read_steps.id for update skip locked));
  update pillion.checkpoint c set done = true, ended_at = statement_timestamp()
  where c.job = read_steps.id and c.kind = 'sleep' and not c.done and c.until <= at;
  with come as (
    update pillion.checkpoint c set done = true, result = e.payload, ended_at = statement_timestamp()
    from pillion.event e
    where c.job = read_steps.id and c.kind = 'event' and not c.done and e.name = c.event and e.key = c.key and e.expires_at > at
    returning c.ordinal
  )
  delete from pillion.wait w using come where w.job = read_steps.id and w.ordinal = come.ordinal;
  for waiting in
    select c.ordinal, c.children
    from pillion.checkpoint c where c.job = read_steps.id and c.kind = 'run' and not c.done
  loop
    if exists (select from pillion.job j where j.id = any (waiting.children)) then
      -- A child that somebody has brought back after its end is waited for anew.
      insert into pillion.wait (event, key, job, ordinal)
      select '', j.id::text, read_steps.id, waiting.ordinal from pillion.job j where j.id = any (waiting.children)
      on conflict do nothing;
      again := again or found;
      continue;
    end if;
    select jsonb_agg(jsonb_build_object('id', child::text) || coalesce(e.payload, '{"state": "unknown"}') order by ordinality) into endings
    from unnest(waiting.children) with ordinality child(child, ordinality)
    left join pillion.event e on e.name = '' and e.key = child::text;
    if endings @? '$[*] ? (@.state != "completed")' then
      failures := failures || jsonb_build_object(waiting.ordinal::text, jsonb_path_query_array(endings, '$[*] ? (@.state != "completed")'));
    else
      update pillion.checkpoint c set done = true, ended_at = statement_timestamp(), result = coalesce(jsonb_path_query_array(endings, '$[*].result'), '[]')
      where c.job = read_steps.id and c.ordinal = waiting.ordinal;
      delete from pillion.wait w where w.job = read_steps.id and w.ordinal = waiting.ordinal;
      delete from pillion.event e where e.name = '' and e.key = any (waiting.children::text[]);
    end if;
  end loop;
  return json_build_object('status', held, 'again', again, 'steps', coalesce((
    select json_agg(json_build_array(c.ordinal, c.kind, c.name, c.done, c.result, c.error,
      date_part('epoch', c.until - at) * 1000, failures -> c.ordinal::text) order by c.ordinal)
    from pillion.checkpoint c where c.job = read_steps.id), '[]'))::text;
end $$;

-- Says that something has happened: the first that commits wins. Answers {"xid", "emitted"}. Whoever waits is found after
-- the commit, by the beat of a worker; that of one is asked for, where somebody is seen to wait. With a pin, nothing
-- happens in any other transaction, and null is the answer.
create function pillion.emit(event text, key text, payload jsonb, keep_ms float8, guarded boolean default false, pin text default null,
                             now timestamptz default null)
returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  at      constant timestamptz := coalesce(now, statement_timestamp());
  emitted boolean;
begin
  if pin <> pg_current_xact_id()::text then
    return null;
  end if;
  insert into pillion.event as e (name, key, payload, expires_at)
  values (emit.event, emit.key, emit.payload, at + keep_ms * interval '1 millisecond')
  on conflict (name, key) do update
  set payload = excluded.payload, emitted_at = excluded.emitted_at, settled = false, expires_at = excluded.expires_at
  where e.expires_at <= at;
  emitted := found;
  perform pillion.guard_verb('emit', guarded, '{}', case when emitted and exists (
      select from pillion.wait w where w.event = emit.event and w.key = emit.key)
    then array(select w.id from pillion.worker w where w.stopped_at is null order by w.heartbeat_at desc limit 1) else '{}' end);
  return json_build_object('xid', pg_current_xact_id()::text, 'emitted', emitted)::text;
end $$;

-- Brings events and those who wait for them together, wakes jobs that wait for nothing any more, and passes cancellations
-- on to children. Part of each beat; one at a time, so that two never each leave the last step to the other: false where
-- another is at it. Whatever somebody has locked it comes back for.
create function pillion.meet(most integer) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  cancelled bigint;
  children  bigint[];
begin
  if not exists (select from pillion.event e where not e.settled) and not exists (select from pillion.woken)
     and not exists (select from pillion.cascade) then
    return true;
  end if;
  if not pg_try_advisory_xact_lock('pillion.woken'::regclass::oid::int4, 0) then
    return false;
  end if;
  if exists (select from pillion.event e where not e.settled) then
    with fresh as materialized (
      select e.ctid as row, e.name, e.key from pillion.event e where not e.settled order by e.emitted_at limit most for update skip locked
    ), told as materialized (
      select w.row, w.job, w.ordinal, f.row as event from fresh f cross join lateral (
        select w.ctid as row, w.job, w.ordinal from pillion.wait w where w.event = f.name and w.key = f.key for update skip locked) w
      limit most
    ), gone as (
      delete from pillion.wait w using told t where w.ctid = t.row
    ), woken as (
      -- All that this step waits for has happened.
      insert into pillion.woken (job)
      select distinct t.job from told t
      where not exists (select from pillion.wait w where w.job = t.job and w.ordinal = t.ordinal and w.ctid <> all (array(select row from told)))
      on conflict do nothing
    )
    update pillion.event e set settled = true from fresh f
    where e.ctid = f.row and not exists (
      select from pillion.wait w where w.event = f.name and w.key = f.key and w.ctid <> all (array(select row from told)));
  end if;
  if exists (select from pillion.woken) then
    with asleep as materialized (
      select w.ctid as row, w.job as id, j.row as job, j.state from (select w.ctid, w.job from pillion.woken w limit most for update skip locked) w
      cross join lateral (select j.ctid as row, j.state from pillion.job j where j.id = w.job for update skip locked) j
    ), ready as (
      update pillion.job j
      set state = 'ready', position = case when j.slot and j.partition_key is not null then j.position else nextval('pillion.position') end, slot = false,
        enqueued_xid = case when j.slot and j.partition_key is not null then j.enqueued_xid else pg_current_xact_id() end
      from asleep a where j.ctid = a.job and a.state = 'scheduled'
      returning j.id, j.queue
    ), rung as materialized (
      select pillion.wake(r.queue) from (select distinct queue from ready) r
    )
    -- One that still runs is woken once it sleeps, and so is one that has begun to sleep since this statement began, whose
    -- row it could not change; one that is gone never.
    delete from pillion.woken w where w.ctid = any (array(
      select a.row from asleep a, (select count(*) from rung) r where a.state = 'ready' or a.id in (select id from ready)
      union all
      select w.ctid from pillion.woken w where not exists (select from pillion.job j where j.id = w.job offset 0)));
  end if;
  for cancelled in select c.job from pillion.cascade c limit 100 for update skip locked loop
    children := array(
      select j.id from pillion.job j where j.parent = cancelled and j.cancelled_at is null order by j.id limit most for update skip locked);
    if cardinality(children) > 0 then
      perform pillion.cancel(jsonb_build_object('ids', children::text[]));
    end if;
    delete from pillion.cascade c
    where c.job = cancelled and not exists (select from pillion.job j where j.parent = cancelled and j.cancelled_at is null);
  end loop;
  return true;
end $$;

-- A child's end is an event for its parent; a job that was cancelled has its children cancelled.
create function pillion.job_ended() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if new.parent is not null then
    insert into pillion.event (name, key, payload, expires_at)
    values ('', new.id::text, jsonb_build_object('name', new.name, 'parent', new.parent, 'state', new.state, 'result', new.result, 'error', new.error),
      new.finished_at + interval '30 days')
    on conflict (name, key) do update set payload = excluded.payload, settled = false, expires_at = excluded.expires_at;
  end if;
  if new.state = 'cancelled' and exists (select from pillion.job j where j.parent = new.id) then
    insert into pillion.cascade (job) values (new.id) on conflict do nothing;
  end if;
  return null;
end $$;
create trigger job_ended after insert on pillion.archive
  for each row when (new.parent is not null or new.state = 'cancelled') execute function pillion.job_ended();

revoke execute on function pillion.hold, pillion.checkpoint, pillion.checkpoints, pillion.begin_wait, pillion.read_steps, pillion.emit, pillion.meet, pillion.job_ended from public;
