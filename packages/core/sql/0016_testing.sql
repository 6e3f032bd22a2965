-- safe online: yes
--
-- For tests of applications: what a transaction has enqueued is looked at, and run, in that very transaction, which is
-- rolled back in the end. Functions with their owner's rights, which touch no other job; they are for who is allowed to
-- test, and so are those for steps, which ask for the claim that start_here has drawn. A job that is older than the transaction is not its own, whatever else it has done with it: retried it, or moved it.

-- Answers {"xid", "jobs"}: what waits, in the order in which it was enqueued. With a pin, null in any other transaction.
create function pillion.enqueued_here(pin text default null) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if pin <> pg_current_xact_id()::text then
    return null;
  end if;
  return json_build_object('xid', pg_current_xact_id()::text, 'jobs', coalesce((
    select json_agg(json_build_object(
      'id', j.id::text, 'name', j.name, 'version', j.version, 'payload', j.payload, 'state', j.state, 'queue', j.queue, 'priority', j.priority,
      'runAt', extract(epoch from j.run_at) * 1000, 'attempt', j.attempt, 'uniqueKey', j.unique_key,
      'partitionKey', j.partition_key, 'headers', j.headers) order by j.id)
    from pillion.job j
    where j.enqueued_xid = pg_current_xact_id() and j.created_at >= transaction_timestamp() and j.state in ('scheduled', 'ready')), '[]'))::text;
end $$;

-- Part of start_here: does for the jobs of the transaction what pillion.meet does for all. Wakes those whose step waits for
-- nothing any more; ends those that were cancelled while they ran, and the children of those that were cancelled.
create function pillion.meet_here(at timestamptz) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  cancelled bigint[];
begin
  loop
    cancelled := array(
      select j.id from pillion.job j
      where j.enqueued_xid = pg_current_xact_id() and j.created_at >= transaction_timestamp() and j.state in ('scheduled', 'ready')
        and (j.cancelled_at is not null or exists (select from pillion.cascade c where c.job = j.parent)));
    exit when cardinality(cancelled) = 0;
    perform pillion.cancel(jsonb_build_object('ids', cancelled::text[]));
  end loop;
  with over as materialized (
    select w.job, w.ordinal from pillion.wait w join pillion.job j on j.id = w.job
    where j.enqueued_xid = pg_current_xact_id() and j.created_at >= transaction_timestamp()
    group by w.job, w.ordinal
    having bool_and(exists (
      select from pillion.event e where e.name = w.event and e.key = w.key and (e.name = '' or e.expires_at > at)))
  ), told as (
    delete from pillion.wait w using over o where w.job = o.job and w.ordinal = o.ordinal
  )
  update pillion.job j set state = 'ready', position = nextval('pillion.position')
  where j.id in (select o.job from over o) and j.state = 'scheduled';
end $$;

-- Starts the first job of the transaction that is due: what is ready, then by time. `handled` are names with versions,
-- "mail.send@1"; `passed` are jobs that have had their turn. `now` can be later than the clock, not earlier. Answers
-- {"xid", "job", "claim"}, job being null where none is due. With a pin, null in any other transaction.
create function pillion.start_here(handled text[], passed bigint[], now timestamptz default null, guarded boolean default false,
                                   pin text default null)
returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  at      constant timestamptz := greatest(now, statement_timestamp());
  started pillion.job;
begin
  if pin <> pg_current_xact_id()::text then
    return null;
  end if;
  perform pillion.guard_verb('runEnqueued', guarded), pillion.meet_here(at);
  update pillion.job j
  set state = 'running', worker = 0, claim = nextval('pillion.claim'), started_at = statement_timestamp(), attempt = j.attempt + 1
  where j.id = (
    select k.id from pillion.job k
    where k.enqueued_xid = pg_current_xact_id() and k.created_at >= transaction_timestamp()
      and (k.state = 'ready' or k.state = 'scheduled' and k.run_at <= at)
      and k.name || '@' || k.version = any (handled) and k.id <> all (passed)
    order by case when k.state = 'scheduled' then k.run_at else '-infinity' end, k.priority desc, k.position
    limit 1)
  returning j.* into started;
  return json_build_object('xid', pg_current_xact_id()::text, 'claim', started.claim::text,
    'job', case when started.id is not null then json_build_object(
      'id', started.id::text, 'position', started.position, 'priority', started.priority, 'queue', started.queue,
      'name', started.name, 'version', started.version, 'attempt', started.attempt, 'maxAttempts', coalesce(started.max_attempts, 0),
      'createdAt', extract(epoch from started.created_at) * 1000, 'payload', started.payload,
      'more', json_build_object('runAt', extract(epoch from started.run_at) * 1000, 'headers', started.headers,
        'partitionKey', started.partition_key, 'startInMs', extract(epoch from started.start_before - at) * 1000,
        'stepped', started.stepped)) end)::text;
end $$;

-- Ends what start_here has started, as a worker's statements would. outcome: 'completed' with its result, 'failed' or
-- 'dead' or 'cancelled' with the error, 'snoozed'. What runs again is put off from `now` on, or from the clock.
create function pillion.end_here(id bigint, claim bigint, outcome text, delay_ms float8, detail jsonb, now timestamptz default null)
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  at    constant timestamptz := greatest(now, statement_timestamp());
  ended pillion.job;
begin
  select j.* into ended from pillion.job j
  where j.id = end_here.id and j.claim = end_here.claim and j.enqueued_xid = pg_current_xact_id() and j.created_at >= transaction_timestamp();
  if not found then
    raise exception using errcode = 'no_data_found',
      message = format('pillion: job %s does not run in this transaction', end_here.id),
      hint = 'Its handler has rolled back the transaction that runEnqueued was given. Leave that to the test.';
  elsif outcome = 'completed' then
    perform pillion.complete(end_here.id, end_here.claim, 0, detail);
  elsif outcome in ('failed', 'snoozed') then
    insert into pillion.attempt (job, attempt, queue, worker, started_at, finished_at, outcome, error, keep_until)
    select ended.id, ended.attempt, ended.queue, 0, ended.started_at, statement_timestamp(), end_here.outcome, detail,
      pillion.keep_attempt_until((select q from pillion.queue q where q.name = ended.queue), statement_timestamp());
    update pillion.job j
    set state = case when delay_ms > 0 then 'scheduled' else 'ready' end::pillion.job_state,
      run_at = at + delay_ms * interval '1 millisecond', attempt = j.attempt - (end_here.outcome = 'snoozed')::integer,
      position = nextval('pillion.position'), worker = null, claim = null, started_at = null
    where j.id = ended.id;
  else
    delete from pillion.job j where j.id = ended.id;
    insert into pillion.archive (id, queue, name, version, priority, attempt, max_attempts, created_at, run_at, start_before, started_at,
      worker, unique_key, partition_key, enqueued_xid, parent, payload, headers, state, finished_at, error, keep_until)
    select ended.id, ended.queue, ended.name, ended.version, ended.priority, ended.attempt, ended.max_attempts, ended.created_at, ended.run_at,
      ended.start_before, ended.started_at, ended.worker, ended.unique_key, ended.partition_key, ended.enqueued_xid, ended.parent, ended.payload,
      ended.headers, end_here.outcome::pillion.job_state, statement_timestamp(), detail,
      pillion.keep_until((select q from pillion.queue q where q.name = ended.queue), end_here.outcome::pillion.job_state, statement_timestamp());
  end if;
end $$;

revoke execute on function pillion.enqueued_here, pillion.meet_here, pillion.start_here, pillion.end_here from public;
