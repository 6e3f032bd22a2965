-- safe online: yes

-- The guard of a ready job that nothing is to be refused of: its transaction is known to be open, or it may commit by itself.
-- The trigger would only wake. So that COMMIT need not wait for it, the queue is locked until then: no worker falls asleep
-- there meanwhile. One that sleeps already is called now, and hears of it at COMMIT; by the trigger where NOTIFY would
-- forbid PREPARE TRANSACTION.
create function pillion.guard_within(queue text) returns timestamptz
language sql return case
  when pg_try_advisory_xact_lock_shared('pillion.job'::regclass::oid::int4, hashtext(queue)) then null
  when current_setting('max_prepared_transactions') <> '0' then '-infinity'::timestamptz
  when pg_notify('pillion_' || 'pillion.job'::regclass::oid, queue) is not null then null
end;

-- Enqueues one job that has no unique key, and answers 'xid id,true,state'. A function, because a session plans the
-- INSERT in it once: sent as a statement of its own it would be planned for every job, which costs more than the
-- rest of the enqueue; and one text, because an answer of several columns has to be planned too. All that comes is
-- text, because drivers disagree on every other type. options: {version?, priority?, maxAttempts?, partitionKey?,
-- headers?, runAt?, delayMs?, startBefore?, guarded?, pin?}, already checked. With a pin, nothing happens in any other transaction,
-- and null is the answer.
create function pillion.enqueue_one(queue text, name text, payload text, options text)
returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  answer text;
  guard  timestamptz;
begin
  -- A transaction that has an id by now has written before, which a statement that stands alone cannot have.
  -- Most jobs have no options, and to look for each of them costs a tenth of the statement.
  if options is null then
    guard := case when pg_current_xact_id_if_assigned() is null then statement_timestamp() else pillion.guard_within(queue) end;
    insert into pillion.job as j (queue, name, payload, max_attempts, guard)
    values (enqueue_one.queue, enqueue_one.name, enqueue_one.payload::jsonb, 20, guard)
    returning j.enqueued_xid || ' ' || j.id || ',true,' || j.state into answer;
    return answer;
  end if;
  guard := case
    when (options::json ->> 'guarded' = 'false'
          or pg_current_xact_id_if_assigned()::text = coalesce(options::json ->> 'pin', pg_current_xact_id_if_assigned()::text)) is not true
      then statement_timestamp()
    when coalesce(options::json ->> 'runAt', options::json ->> 'delayMs') is not null then '-infinity'
    else pillion.guard_within(queue)
  end;
  insert into pillion.job as j (queue, name, payload, version, priority, max_attempts, partition_key, headers, run_at, start_before, guard, state)
  select enqueue_one.queue, enqueue_one.name, enqueue_one.payload::jsonb,
    coalesce((options::json ->> 'version')::integer, 1), coalesce((options::json ->> 'priority')::smallint, 0),
    coalesce((options::json ->> 'maxAttempts')::integer, 20), options::json ->> 'partitionKey', (options::json -> 'headers')::jsonb,
    coalesce((options::json ->> 'runAt')::timestamptz,
             statement_timestamp() + (options::json ->> 'delayMs')::float8 * interval '1 millisecond', statement_timestamp()),
    (options::json ->> 'startBefore')::timestamptz, guard,
    case when coalesce((options::json ->> 'runAt')::timestamptz,
                       statement_timestamp() + (options::json ->> 'delayMs')::float8 * interval '1 millisecond')
              > statement_timestamp() then 'scheduled' else 'ready' end::pillion.job_state
  where coalesce(options::json ->> 'pin' = pg_current_xact_id()::text, true)
  returning j.enqueued_xid || ' ' || j.id || ',true,' || j.state into answer;
  return answer;
end $$;

-- Enqueues jobs of which some have a unique key. One answer for each job, in their order; `created` is false
-- where a job that will still run after this transaction commits already holds the key.
-- jobs: [{name, payload, queue?, version?, priority?, headers?, runAt?, delayMs?, startBefore?, maxAttempts?,
-- partitionKey?, uniqueKey?, uniqueUntil?, periodMs?, onConflict?, parent?}], already checked. With a pin, nothing happens in any other
-- transaction. Jobs of one key act in their order: of those with onConflict the last one's payload, with its version
-- and headers, is what the job gets, and the last debounce's run-at and start-before.
create function pillion.enqueue_keyed(jobs json, guarded boolean, pin text default null, now timestamptz default null)
returns table (ordinal bigint, id bigint, created boolean, state pillion.job_state, xid text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  at        timestamptz := coalesce(now, statement_timestamp());
  items     json[] := array(select json_array_elements(jobs));
  wanted    record;
  content   json;
  timing    json;
  due       timestamptz;
  fresh     bigint;
  holder    pillion.unique_key;
  held      pillion.job_state;
  lane      text;
  ordinals  bigint[] := '{}';
  names     text[] := '{}';
  keys      text[] := '{}';
  ids       bigint[] := '{}';
  news      boolean[] := '{}';
  states    pillion.job_state[] := '{}';
  queues    text[] := '{}';
  contents  json[] := '{}';
  timings   json[] := '{}';
begin
  if pin is not null and pin <> pg_current_xact_id()::text then
    return;
  end if;
  -- Keys in sorted order, so that two batches never wait for each other in a circle.
  for wanted in
    select distinct on (j."name" collate "C", j."uniqueKey" collate "C")
      o.ordinality, j.*,
      max(o.ordinality) filter (where j."onConflict" is not null) over same as content_at,
      max(o.ordinality) filter (where j."onConflict" = 'debounce') over same as timing_at
    from unnest(items) with ordinality o(value, ordinality)
    cross join lateral json_to_record(o.value)
      as j("name" text, "uniqueKey" text, "uniqueUntil" text, "periodMs" float8, "onConflict" text)
    where j."uniqueKey" is not null
    window same as (partition by j."name" collate "C", j."uniqueKey" collate "C")
    order by j."name" collate "C", j."uniqueKey" collate "C", o.ordinality
  loop
    fresh := nextval('pillion.job_id_seq');
    held := null;
    lane := null;
    content := items[wanted.content_at];
    timing := items[wanted.timing_at];
    -- The update changes nothing: it waits for a holder that has not committed, and locks the key until our end.
    insert into pillion.unique_key as k (name, key, job, until, expires_at)
    values (wanted."name", wanted."uniqueKey", fresh, coalesce(wanted."uniqueUntil", 'started'),
            at + wanted."periodMs" * interval '1 millisecond')
    on conflict (name, key) do update set job = k.job
    returning k.* into holder;

    if holder.job <> fresh then
      if holder.until <> 'period' or holder.expires_at > at then
        -- A job that waits is locked, so that it cannot start before we commit.
        select j.state, j.queue into held, lane from pillion.job j
        where j.id = holder.job and j.state in ('scheduled', 'ready') and j.attempt = 0
        for update;
        if content is not null then
          -- What has started gets no other payload: a new job does. What moves in time takes a new position, and
          -- comes from the transaction that moves it.
          due := coalesce((timing ->> 'runAt')::timestamptz, at + (timing ->> 'delayMs')::float8 * interval '1 millisecond', at);
          update pillion.job j
          set payload = coalesce((content -> 'payload')::jsonb, 'null'), headers = nullif((content -> 'headers')::jsonb, 'null'),
            version = coalesce((content ->> 'version')::integer, 1),
            run_at = case when timing is null then j.run_at else due end,
            start_before = case when timing is null then j.start_before else (timing ->> 'startBefore')::timestamptz end,
            state = case when timing is null then j.state when due > at then 'scheduled' else 'ready' end,
            enqueued_xid = case when timing is null then j.enqueued_xid else pg_current_xact_id() end,
            position = case when timing is null then j.position
                            when pg_current_xact_id() is not null then nextval('pillion.position') end
          where j.id = holder.job and held is not null
          returning j.state into held;
        elsif held is null and holder.until = 'finished' then
          select j.state into held from pillion.job j where j.id = holder.job;
        elsif held is null and holder.until = 'period' then
          select j.state into held from pillion.job j where j.id = holder.job;
          if held is null then
            select a.state into held from pillion.archive a where a.id = holder.job;
          end if;
          held := coalesce(held, 'completed');
        end if;
      end if;
      if held is null then
        update pillion.unique_key k
        set job = fresh, until = coalesce(wanted."uniqueUntil", 'started'),
            expires_at = at + wanted."periodMs" * interval '1 millisecond'
        where k.name = wanted."name" and k.key = wanted."uniqueKey";
      end if;
    end if;

    ordinals := ordinals || wanted.ordinality;
    names := names || wanted."name";
    keys := keys || wanted."uniqueKey";
    ids := ids || case when held is null then fresh else holder.job end;
    news := news || (held is null);
    states := states || held;
    queues := queues || lane;
    contents := contents || content;
    timings := timings || timing;
  end loop;

  return query
  with input as materialized (
    select o.ordinality, j.*
    from unnest(items) with ordinality o(value, ordinality)
    cross join lateral json_to_record(o.value) as j(
      "name" text, "version" integer, "queue" text, "priority" smallint, "payload" jsonb, "headers" jsonb, "runAt" timestamptz,
      "delayMs" float8, "startBefore" timestamptz, "maxAttempts" integer, "partitionKey" text, "uniqueKey" text, "parent" bigint)
  ), taken as materialized (
    select k.* from unnest(ordinals, names, keys, ids, news, states, queues, contents, timings)
      as k(ordinality, name, key, id, created, state, queue, content, timing)
  ), planned as materialized (
    select i.ordinality, i."name", i."queue", i."priority", i."maxAttempts", i."uniqueKey", i."partitionKey", i."parent",
      coalesce(k.id, nextval('pillion.job_id_seq')) as id, k.state as held,
      k.ordinality is null or (k.created and k.ordinality = i.ordinality) as created,
      case when k.content is null then i."version" else (k.content ->> 'version')::integer end as "version",
      case when k.content is null then i."payload" else (k.content -> 'payload')::jsonb end as "payload",
      case when k.content is null then i."headers" else nullif((k.content -> 'headers')::jsonb, 'null') end as "headers",
      case when k.timing is null then coalesce(i."runAt", at + i."delayMs" * interval '1 millisecond', at)
           else coalesce((k.timing ->> 'runAt')::timestamptz, at + (k.timing ->> 'delayMs')::float8 * interval '1 millisecond', at)
           end as run_at,
      case when k.timing is null then i."startBefore" else (k.timing ->> 'startBefore')::timestamptz end as start_before
    from input i left join taken k on k.name = i."name" and k.key = i."uniqueKey"
    order by i.ordinality
  ), inserted as (
    insert into pillion.job (id, created_at, run_at, start_before, state, queue, name, version, priority, max_attempts,
                             unique_key, partition_key, payload, headers, parent)
    overriding system value
    select p.id, at, p.run_at, p.start_before, (case when p.run_at > at then 'scheduled' else 'ready' end)::pillion.job_state,
      coalesce(p."queue", 'default'), p."name", coalesce(p."version", 1), coalesce(p."priority", 0), p."maxAttempts",
      p."uniqueKey", p."partitionKey", coalesce(p."payload", 'null'), p."headers", p."parent"
    from planned p where p.created order by p.ordinality
    returning id, queue, state
  ), guards as (
    insert into pillion.guard (guard, name, queue, state)
    select case when guarded then statement_timestamp() else '-infinity' end, min(g.name), g.queue,
      min(g.state) filter (where g.state = 'ready')
    from (
      select p."name", coalesce(p."queue", 'default'), s.state from planned p left join inserted s on s.id = p.id
      -- Workers have passed over a job that we hold: they look again after our commit.
      union all select k.name, k.queue, k.state from taken k where k.queue is not null
    ) g(name, queue, state)
    group by g.queue
  )
  select p.ordinality, p.id, p.created, coalesce(s.state, p.held, first.state), pg_current_xact_id()::text
  from planned p
  left join inserted s on s.id = p.id and p.created
  left join inserted first on first.id = p.id
  order by p.ordinality;
end $$;
