-- safe online: yes
--
-- What is done with jobs that exist (cancel, retry, reschedule), and with a queue (pause, resume). Each is a function
-- with its owner's rights, because whoever calls it need not read a job, and each answers one text of JSON. With a pin,
-- nothing happens in any other transaction, and null is the answer.
-- The first three answer {"xid", "ids", "next"}, ids in ascending order.
-- filter: {ids?, queue?, name?, state?, uniqueKey?, partitionKey?, headers?, after?}, at least one beside `after`. Up to
-- `most` jobs are looked at, by ascending id; `next` is the `after` with which to go on, null where nothing is left.

-- The first jobs that a filter matches, of those states. `tried`: of the scheduled ones, those that have failed.
-- `newest`: the last first, for whoever only looks; the filter may then be empty.
create function pillion.find_jobs(filter jsonb, states pillion.job_state[], most integer, tried boolean default false,
                                  newest boolean default false)
returns bigint[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  known     constant text[] := array['ids', 'queue', 'name', 'state', 'uniqueKey', 'partitionKey', 'headers', 'after', 'before'];
  direction constant text := case when newest then 'desc' else 'asc' end;
  given     jsonb;
  unknown   text;
  wanted    record;
  found     bigint[];
begin
  if jsonb_typeof(filter) = 'object' then
    select coalesce(jsonb_object_agg(key, value), '{}'), min(key) filter (where key <> all (known)) into given, unknown
    from jsonb_each(filter) where value <> 'null';
  end if;
  if unknown is not null or given is null or given - 'after' = '{}' and not newest then
    raise exception using errcode = 'invalid_parameter_value',
      message = case when unknown is null then 'pillion: the filter names no property of jobs'
                     else format('pillion: the filter has the unknown property "%s"', unknown) end,
      hint = format('Known: %s. Nothing was done.', array_to_string(known, ', '));
  end if;
  if given ? 'state' then
    states := array(select unnest(states) intersect select s::pillion.job_state from jsonb_array_elements_text(
      case jsonb_typeof(given -> 'state') when 'array' then given -> 'state' else jsonb_build_array(given -> 'state') end) s);
  end if;
  select f.*, case when given ? 'ids' then array(select jsonb_array_elements_text(given -> 'ids')::bigint) end as ids into wanted
  from jsonb_to_record(given) as
    f("queue" text, "name" text, "uniqueKey" text, "partitionKey" text, "headers" jsonb, "after" bigint, "before" bigint);
  -- A text, so that it is planned for this filter: what the filter does not name is not looked at.
  execute '
    select array(select id from (
      (select j.id from pillion.live j
       where j.state = any ($1) and ($2 is null or j.id = any ($2)) and j.id > coalesce($3, 0) and ($4 is null or j.id < $4)
         and ($5 is null or j.queue = $5) and ($6 is null or j.name = $6) and ($7 is null or j.unique_key = $7)
         and ($8 is null or j.partition_key = $8) and ($9 is null or j.headers @> $9) and (not $10 or j.attempt > 0)
       order by j.id ' || direction || ' limit $11)
      union all
      (select a.id from pillion.archive a
       where a.state = any ($12) and ($2 is null or a.id = any ($2)) and a.id > coalesce($3, 0) and ($4 is null or a.id < $4)
         and ($5 is null or a.queue = $5) and ($6 is null or a.name = $6) and ($7 is null or a.unique_key = $7)
         and ($8 is null or a.partition_key = $8) and ($9 is null or a.headers @> $9)
       order by a.id ' || direction || ' limit $11)
    ) matching order by id ' || direction || ' limit $11)'
  using array(select s from unnest(states) s where s in ('scheduled', 'ready', 'running')),
    wanted.ids, wanted."after", wanted."before", wanted."queue", wanted."name", wanted."uniqueKey", wanted."partitionKey",
    wanted."headers", tried, most, array(select s from unnest(states) s where s in ('completed', 'dead', 'cancelled'))
  into found;
  return found;
end $$;

-- Leaves what must happen at COMMIT: the refusal of a statement outside a transaction, the wake-up of queues that have
-- jobs to run, the word to workers whose jobs are to be cancelled.
create function pillion.guard_verb(verb text, guarded boolean, queues text[] default '{}', workers bigint[] default '{}')
returns void
language sql set search_path = pg_catalog, pg_temp as $$
  insert into pillion.guard (guard, verb, queue, state, worker)
  select case when guarded then statement_timestamp() else '-infinity' end, verb, due.queue, due.state, due.worker
  from (
    select q as queue, 'ready'::pillion.job_state as state, null::bigint as worker from unnest(queues) q
    union all
    select null, null, w from unnest(workers) w
    union all
    select null, null, null where guarded
  ) due
$$;

-- Ends jobs that wait, as cancelled. A job that runs is marked, and its worker told. What has ended stays as it is; but a
-- dead job that holds up its key, in strict order, does so no longer.
create function pillion.cancel(filter jsonb, guarded boolean default false, pin text default null,
                               most integer default 10000, now timestamptz default null)
returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  at      timestamptz := coalesce(now, statement_timestamp());
  found   bigint[];
  dead    bigint[];
  changed bigint[];
  queues  text[];
  workers bigint[];
begin
  if pin <> pg_current_xact_id()::text then
    return null;
  end if;
  found := pillion.find_jobs(filter, '{scheduled,ready,running}', most);
  -- In the order of their ids, so that two of these never wait for each other in a circle.
  perform from pillion.job j where j.id = any (found) order by j.id for update;
  if exists (select from pillion.blocked_key) then
    dead := pillion.find_jobs(filter, '{dead}', most);
  end if;
  with freed as (
    delete from pillion.blocked_key b where b.job = any (dead) returning b.job, b.queue
  ), given_up as (
    update pillion.archive a set state = 'cancelled' from freed where a.id = freed.job and a.state = 'dead'
  ), marked as (
    update pillion.job j set cancelled_at = at
    where j.id = any (found) and j.state = 'running' and j.cancelled_at is null
    returning j.id, j.worker
  ), noted as (
    -- Jobs of a batch: beside it, so that nobody waits for us.
    insert into pillion.cancellation (worker, claim, job, at)
    select l.worker, l.claim, l.id, at from pillion.live l
    where l.id = any (found) and l.state = 'running' and l.cancelled_at is null and not exists (select from pillion.job j where j.id = l.id)
    on conflict do nothing
    returning job, worker
  ), ended as (
    delete from pillion.job j where j.id = any (found) and j.state in ('scheduled', 'ready') returning j.*
  ), archived as (
    insert into pillion.archive (id, queue, name, version, priority, attempt, max_attempts, created_at, run_at, start_before, started_at,
                                 worker, unique_key, partition_key, enqueued_xid, parent, payload, headers, state, finished_at,
                                 keep_until)
    select e.id, e.queue, e.name, e.version, e.priority, e.attempt, e.max_attempts, e.created_at, e.run_at, e.start_before, e.started_at,
      e.worker, e.unique_key, e.partition_key, e.enqueued_xid, e.parent, e.payload, e.headers, 'cancelled', at,
      pillion.keep_until(s.settled, 'cancelled', at)
    from ended e left join (select q.name, q as settled from pillion.queue q) s on s.name = e.queue
  )
  select array(select id from marked union all select job from noted union all select id from ended union all select job from freed order by id),
    array(select distinct queue from freed), array(select worker from marked union select worker from noted)
  into changed, queues, workers;
  perform pillion.guard_verb('cancel', guarded, queues, workers);
  return pillion.changed_jobs(changed, found, most);
end $$;

-- What the verbs on jobs answer.
create function pillion.changed_jobs(changed bigint[], found bigint[], most integer) returns text
language sql set search_path = pg_catalog, pg_temp as $$
  select json_build_object('xid', pg_current_xact_id()::text, 'ids', changed::text[],
    'next', case when cardinality(found) = most then found[most]::text end)::text
$$;

-- Brings back jobs that have ended, under their own ids, and makes those ready at once that wait for another attempt.
-- A filter that names neither ids nor states means what has failed: jobs that are dead, or wait for another attempt.
-- The numbers of the attempts go on; where none is left, there is one more. The attempt that ended the job joins the
-- others in `attempt`. A unique key is not taken again, so that a newer job may have it; a latest start is forgotten.
-- Whatever takes a new position comes from the transaction that gives it, as claims expect. A dead job that held up its
-- key, in strict order, stands again where it stood.
create function pillion.retry(filter jsonb, guarded boolean default false, pin text default null,
                              most integer default 10000, now timestamptz default null)
returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  at      timestamptz := coalesce(now, statement_timestamp());
  states  pillion.job_state[] := '{scheduled,dead}';
  found   bigint[];
  changed bigint[];
  queues  text[];
begin
  if pin <> pg_current_xact_id()::text then
    return null;
  end if;
  if coalesce(filter ->> 'ids', filter ->> 'state') is not null then
    states := '{scheduled,dead,cancelled,completed}';
  end if;
  found := pillion.find_jobs(filter, states, most, true);
  perform from pillion.job j where j.id = any (found) order by j.id for update;
  perform from pillion.archive a where a.id = any (found) order by a.id for update;
  with sooner as (
    update pillion.job j set state = 'ready', run_at = at, start_before = null, enqueued_xid = pg_current_xact_id(), slot = false,
      position = case when j.slot and j.partition_key is not null then j.position else nextval('pillion.position') end
    where j.id = any (found) and j.state = 'scheduled' and j.attempt > 0
    returning j.id, j.queue
  ), back as (
    delete from pillion.archive a where a.id = any (found) and a.state = any (states) returning a.*
  ), kept as (
    insert into pillion.attempt (job, attempt, queue, worker, started_at, finished_at, outcome, error, keep_until)
    select b.id, b.attempt, b.queue, b.worker, b.started_at, b.finished_at, b.state::text, b.error, pillion.keep_attempt_until(s.settled, at)
    from back b left join (select q.name, q as settled from pillion.queue q) s on s.name = b.queue
    where b.started_at is not null
  ), freed as (
    delete from pillion.blocked_key b using back where b.job = back.id returning b.job, b.position
  ), returned as (
    insert into pillion.job (id, position, created_at, run_at, state, priority, version, attempt, max_attempts, queue,
                             name, unique_key, partition_key, payload, headers, parent, stepped)
    overriding system value
    select id, coalesce((select f.position from freed f where f.job = back.id), nextval('pillion.position')),
      created_at, at, 'ready', priority, version, attempt,
      case when max_attempts <= attempt then attempt + 1 else max_attempts end, queue,
      name, unique_key, partition_key, payload, headers, parent,
      (select true from pillion.checkpoint c where c.job = back.id limit 1)
    from back order by id
    returning id, queue
  )
  select array(select id from sooner union all select id from returned order by id),
    array(select queue from sooner union select queue from returned)
  into changed, queues;
  perform pillion.guard_verb('retry', guarded, queues);
  return pillion.changed_jobs(changed, found, most);
end $$;

-- Moves jobs that wait to another time; one that is not in the future makes them ready.
create function pillion.reschedule(filter jsonb, run_at timestamptz, delay_ms float8, guarded boolean default false,
                                   pin text default null, most integer default 10000, now timestamptz default null)
returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  at      timestamptz := coalesce(now, statement_timestamp());
  due     timestamptz := coalesce(reschedule.run_at, at + delay_ms * interval '1 millisecond', at);
  found   bigint[];
  changed bigint[];
  queues  text[];
begin
  if pin <> pg_current_xact_id()::text then
    return null;
  end if;
  found := pillion.find_jobs(filter, '{scheduled,ready}', most);
  perform from pillion.job j where j.id = any (found) order by j.id for update;
  with moved as (
    update pillion.job j
    set run_at = due, state = (case when due > at then 'scheduled' else 'ready' end)::pillion.job_state,
      enqueued_xid = case when due > at then j.enqueued_xid else pg_current_xact_id() end,
      position = case when due > at or j.slot and j.partition_key is not null then j.position else nextval('pillion.position') end, slot = j.slot and due > at
    where j.id = any (found) and j.state in ('scheduled', 'ready')
    returning j.id, j.queue
  )
  select array(select id from moved order by id), array(select distinct queue from moved where due <= at)
  into changed, queues;
  perform pillion.guard_verb('reschedule', guarded, queues);
  return pillion.changed_jobs(changed, found, most);
end $$;

-- A paused queue starts no job. Answers {"xid", "changed"}: false where it was paused already.
create function pillion.pause(queue text, guarded boolean default false, pin text default null, now timestamptz default null)
returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  changed boolean;
begin
  if pin <> pg_current_xact_id()::text then
    return null;
  end if;
  insert into pillion.queue as q (name, paused_at) values (pause.queue, coalesce(now, statement_timestamp()))
  on conflict (name) do update set paused_at = excluded.paused_at where q.paused_at is null;
  changed := found;
  perform pillion.guard_verb('pause', guarded);
  return json_build_object('xid', pg_current_xact_id()::text, 'changed', changed)::text;
end $$;

create function pillion.resume(queue text, guarded boolean default false, pin text default null)
returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  changed boolean;
begin
  if pin <> pg_current_xact_id()::text then
    return null;
  end if;
  update pillion.queue q set paused_at = null where q.name = resume.queue and q.paused_at is not null;
  changed := found;
  perform pillion.guard_verb('resume', guarded, case when changed then array[resume.queue] else '{}' end);
  return json_build_object('xid', pg_current_xact_id()::text, 'changed', changed)::text;
end $$;

revoke execute on function pillion.find_jobs, pillion.guard_verb, pillion.cancel, pillion.changed_jobs, pillion.retry,
  pillion.reschedule, pillion.pause, pillion.resume from public;
