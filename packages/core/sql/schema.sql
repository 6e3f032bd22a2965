-- What the migrations add up to, read back from a server's catalog. Written by `vitest -u`, not by hand.

-- Types

create type pillion.job_state as enum ('scheduled', 'ready', 'running', 'completed', 'dead', 'cancelled');

-- Sequences

create sequence pillion."position" as bigint start 1 increment 1 cache 1;

create sequence pillion.claim as bigint start 1 increment 1 cache 1;

create sequence pillion.guard_id_seq as bigint start 1 increment 1 cache 1;

create sequence pillion.job_id_seq as bigint start 1 increment 1 cache 1;

create sequence pillion.worker_id_seq as bigint start 1 increment 1 cache 1;

-- Tables

create table pillion.archive (
  id bigint not null,
  state pillion.job_state not null,
  queue text not null,
  name text not null,
  version integer not null,
  priority smallint not null,
  attempt integer not null,
  max_attempts integer,
  created_at timestamp with time zone not null,
  run_at timestamp with time zone not null,
  started_at timestamp with time zone,
  finished_at timestamp with time zone not null,
  worker bigint,
  error jsonb,
  unique_key text,
  partition_key text,
  enqueued_xid xid8 not null,
  payload jsonb not null,
  headers jsonb,
  result jsonb
) partition by RANGE (finished_at);

create table pillion.attempt (
  job bigint not null,
  attempt integer not null,
  worker bigint not null,
  started_at timestamp with time zone not null,
  finished_at timestamp with time zone not null,
  outcome text not null,
  error jsonb
) partition by RANGE (finished_at);

create table pillion.guard (
  id bigint generated always as identity not null,
  guard timestamp with time zone not null,
  name text not null,
  queue text not null,
  state pillion.job_state
) with (
  autovacuum_vacuum_scale_factor=0.01,
  autovacuum_vacuum_threshold=1000
);

create table pillion.job (
  id bigint generated always as identity not null,
  enqueued_xid xid8 not null default pg_current_xact_id(),
  "position" bigint not null default 
CASE
    WHEN (pg_current_xact_id() IS NOT NULL) THEN nextval('pillion."position"'::regclass)
    ELSE NULL::bigint
END,
  created_at timestamp with time zone not null default statement_timestamp(),
  run_at timestamp with time zone not null default statement_timestamp(),
  guard timestamp with time zone,
  state pillion.job_state not null default 'ready'::pillion.job_state,
  priority smallint not null default 0,
  version integer not null default 1,
  attempt integer not null default 0,
  max_attempts integer,
  queue text not null default 'default'::text,
  name text not null,
  unique_key text,
  partition_key text,
  payload jsonb not null,
  headers jsonb,
  worker bigint,
  claim bigint,
  started_at timestamp with time zone
) with (
  autovacuum_vacuum_cost_delay=0,
  autovacuum_vacuum_insert_scale_factor=0.05,
  autovacuum_vacuum_scale_factor=0.01,
  autovacuum_vacuum_threshold=1000,
  fillfactor=90
);

create table pillion.migration (
  version integer not null,
  name text not null,
  applied_at timestamp with time zone not null default statement_timestamp()
);

create table pillion.unique_key (
  name text not null,
  key text not null,
  job bigint not null,
  until text not null,
  expires_at timestamp with time zone
) with (
  autovacuum_vacuum_scale_factor=0.01,
  autovacuum_vacuum_threshold=1000,
  fillfactor=80
);

create table pillion.worker (
  id bigint generated always as identity not null,
  label text not null,
  queues text[] not null,
  names text[] not null,
  concurrency integer not null,
  lease_ms integer not null,
  started_at timestamp with time zone not null,
  heartbeat_at timestamp with time zone not null,
  stopped_at timestamp with time zone
) with (
  autovacuum_vacuum_scale_factor=0,
  autovacuum_vacuum_threshold=200,
  fillfactor=50
);

-- Partitions

create table pillion.archive_default partition of pillion.archive DEFAULT;

create table pillion.attempt_default partition of pillion.attempt DEFAULT;

-- Constraints

alter table pillion.attempt add constraint attempt_outcome_check CHECK ((outcome = ANY (ARRAY['failed'::text, 'lost'::text, 'released'::text])));

alter table pillion.attempt_default add constraint attempt_outcome_check CHECK ((outcome = ANY (ARRAY['failed'::text, 'lost'::text, 'released'::text])));

alter table pillion.guard add constraint guard_pkey PRIMARY KEY (id);

alter table pillion.job add constraint job_pkey PRIMARY KEY (id);

alter table pillion.job add constraint job_priority_check CHECK (((priority >= '-4'::integer) AND (priority <= 4)));

alter table pillion.migration add constraint migration_pkey PRIMARY KEY (version);

alter table pillion.unique_key add constraint unique_key_pkey PRIMARY KEY (name, key);

alter table pillion.unique_key add constraint unique_key_until_check CHECK ((until = ANY (ARRAY['started'::text, 'finished'::text, 'period'::text])));

alter table pillion.worker add constraint worker_pkey PRIMARY KEY (id);

-- Indexes

CREATE INDEX archive_id ON ONLY pillion.archive USING btree (id);

CREATE INDEX attempt_job ON ONLY pillion.attempt USING btree (job);

CREATE INDEX job_due ON pillion.job USING btree (run_at) WHERE (state = 'scheduled'::pillion.job_state);

CREATE INDEX job_held ON pillion.job USING btree (worker) WHERE (state = 'running'::pillion.job_state);

CREATE INDEX job_lane ON pillion.job USING btree (queue, priority, "position") WHERE (state = 'ready'::pillion.job_state);

-- Functions

CREATE OR REPLACE FUNCTION pillion.enqueue(name text, payload jsonb, options jsonb DEFAULT '{}'::jsonb)
 RETURNS TABLE(id bigint, created boolean, state pillion.job_state)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_variable
declare
  known   constant text[] := array['queue', 'version', 'priority', 'headers', 'runAt', 'delayMs', 'maxAttempts',
                                   'partitionKey', 'uniqueKey', 'uniqueUntil'];
  given   jsonb := coalesce(options, '{}');
  unknown text;
  kind    text;
  field   text;
begin
  if name is null or name = '' or octet_length(name) > 128 then
    raise exception using errcode = 'invalid_parameter_value',
      message = 'pillion: a job name is a text of 1 to 128 bytes', hint = 'Pass the name that defineJob was given.';
  end if;
  if payload is null then
    raise exception using errcode = 'invalid_parameter_value',
      message = format('pillion: the payload of job "%s" is an SQL NULL', name),
      hint = 'Pass a jsonb value; the JSON null is ''null''::jsonb.';
  end if;
  if jsonb_typeof(given) <> 'object' then
    raise exception using errcode = 'invalid_parameter_value',
      message = format('pillion: the options of job "%s" are a JSON %s, not an object', name, jsonb_typeof(given));
  end if;
  select k into unknown from jsonb_object_keys(given) k where k <> all (known) limit 1;
  if unknown is not null then
    raise exception using errcode = 'invalid_parameter_value',
      message = format('pillion: job "%s" has the unknown option "%s"', name, unknown),
      hint = 'Known options: ' || array_to_string(known, ', ') || '.';
  end if;
  foreach field in array known loop
    kind := jsonb_typeof(given -> field);
    if kind is null or kind = 'null' then
      continue;
    end if;
    if not (case field
      when 'headers' then kind = 'object'
      when 'uniqueUntil' then given ->> field in ('started', 'finished')
        or (kind = 'object' and jsonb_typeof(given -> field -> 'periodMs') = 'number' and (given -> field ->> 'periodMs')::numeric > 0)
      when 'priority' then kind = 'number' and (given ->> field)::numeric in (-4, -3, -2, -1, 0, 1, 2, 3, 4)
      when 'version' then kind = 'number' and (given ->> field)::numeric between 1 and 2147483647 and (given ->> field)::numeric % 1 = 0
      when 'maxAttempts' then kind = 'number' and (given ->> field)::numeric between 1 and 2147483647 and (given ->> field)::numeric % 1 = 0
      when 'delayMs' then kind = 'number' and (given ->> field)::numeric between 0 and 1e14
      when 'runAt' then kind = 'string' and isfinite((given ->> field)::timestamptz)
      when 'queue' then kind = 'string' and octet_length(given ->> field) between 1 and 128
      else kind = 'string' and octet_length(given ->> field) between 1 and 512
    end) then
      raise exception using errcode = 'invalid_parameter_value',
        message = format('pillion: job "%s" has an invalid option %s: %s', name, field, left((given -> field)::text, 100));
    end if;
  end loop;
  if given ? 'runAt' and given ? 'delayMs' then
    raise exception using errcode = 'invalid_parameter_value',
      message = format('pillion: job "%s" has both runAt and delayMs', name), hint = 'Give one of them.';
  end if;
  return query
  select e.id, e.created, e.state
  from pillion.enqueue_keyed(json_build_array(
    jsonb_strip_nulls(given - 'headers') - 'uniqueUntil'
    || jsonb_build_object('name', name, 'payload', payload, 'headers', given -> 'headers')
    || case jsonb_typeof(given -> 'uniqueUntil')
         when 'string' then jsonb_build_object('uniqueUntil', given -> 'uniqueUntil')
         when 'object' then jsonb_build_object('uniqueUntil', 'period', 'periodMs', given -> 'uniqueUntil' -> 'periodMs')
         else '{}' end), false) e;
end $function$
;

CREATE OR REPLACE FUNCTION pillion.enqueue_keyed(jobs json, guarded boolean, pin text DEFAULT NULL::text, now timestamp with time zone DEFAULT NULL::timestamp with time zone)
 RETURNS TABLE(ordinal bigint, id bigint, created boolean, state pillion.job_state, xid text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
  at        timestamptz := coalesce(now, statement_timestamp());
  wanted    record;
  fresh     bigint;
  holder    pillion.unique_key;
  held      pillion.job_state;
  ordinals  bigint[] := '{}';
  names     text[] := '{}';
  keys      text[] := '{}';
  ids       bigint[] := '{}';
  news      boolean[] := '{}';
  states    pillion.job_state[] := '{}';
begin
  if pin is not null and pin <> pg_current_xact_id()::text then
    return;
  end if;
  -- Keys in sorted order, so that two batches never wait for each other in a circle.
  for wanted in
    select distinct on (j."name" collate "C", j."uniqueKey" collate "C")
      o.ordinality, j.*
    from json_array_elements(jobs) with ordinality o(value, ordinality)
    cross join lateral json_to_record(o.value) as j("name" text, "uniqueKey" text, "uniqueUntil" text, "periodMs" float8)
    where j."uniqueKey" is not null
    order by j."name" collate "C", j."uniqueKey" collate "C", o.ordinality
  loop
    fresh := nextval('pillion.job_id_seq');
    held := null;
    -- The update changes nothing: it waits for a holder that has not committed, and locks the key until our end.
    insert into pillion.unique_key as k (name, key, job, until, expires_at)
    values (wanted."name", wanted."uniqueKey", fresh, coalesce(wanted."uniqueUntil", 'started'),
            at + wanted."periodMs" * interval '1 millisecond')
    on conflict (name, key) do update set job = k.job
    returning k.* into holder;

    if holder.job <> fresh then
      if holder.until <> 'period' or holder.expires_at > at then
        -- A job that waits is locked, so that it cannot start before we commit.
        select j.state into held from pillion.job j
        where j.id = holder.job and j.state in ('scheduled', 'ready') and j.attempt = 0
        for update;
        if held is null and holder.until = 'finished' then
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
  end loop;

  return query
  with input as materialized (
    select o.ordinality, j.*
    from json_array_elements(jobs) with ordinality o(value, ordinality)
    cross join lateral json_to_record(o.value) as j(
      "name" text, "version" integer, "queue" text, "priority" smallint, "payload" jsonb, "headers" jsonb,
      "runAt" timestamptz, "delayMs" float8, "maxAttempts" integer, "partitionKey" text, "uniqueKey" text)
  ), planned as materialized (
    select i.*, coalesce(k.id, nextval('pillion.job_id_seq')) as id, k.state as held,
      k.ordinality is null or (k.created and k.ordinality = i.ordinality) as created,
      coalesce(i."runAt", at + i."delayMs" * interval '1 millisecond', at) as run_at
    from input i
    left join unnest(ordinals, names, keys, ids, news, states) as k(ordinality, name, key, id, created, state)
      on k.name = i."name" and k.key = i."uniqueKey"
    order by i.ordinality
  ), inserted as (
    insert into pillion.job (id, created_at, run_at, state, queue, name, version, priority, max_attempts,
                             unique_key, partition_key, payload, headers)
    overriding system value
    select p.id, at, p.run_at, (case when p.run_at > at then 'scheduled' else 'ready' end)::pillion.job_state,
      coalesce(p."queue", 'default'), p."name", coalesce(p."version", 1), coalesce(p."priority", 0), p."maxAttempts",
      p."uniqueKey", p."partitionKey", coalesce(p."payload", 'null'), p."headers"
    from planned p where p.created order by p.ordinality
    returning id, queue, state
  ), guards as (
    insert into pillion.guard (guard, name, queue, state)
    select case when guarded then statement_timestamp() else '-infinity' end, min(p."name"), coalesce(p."queue", 'default'),
      min(s.state) filter (where s.state = 'ready')
    from planned p left join inserted s on s.id = p.id
    group by coalesce(p."queue", 'default')
  )
  select p.ordinality, p.id, p.created, coalesce(s.state, p.held, first.state), pg_current_xact_id()::text
  from planned p
  left join inserted s on s.id = p.id and p.created
  left join inserted first on first.id = p.id
  order by p.ordinality;
end $function$
;

CREATE OR REPLACE FUNCTION pillion.enqueue_one(queue text, name text, max_attempts text, payload text, options text, pin text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  answer text;
begin
  if pin <> pg_current_xact_id()::text then
    return null;
  end if;
  insert into pillion.job as j (queue, name, max_attempts, payload, version, priority, partition_key, headers, run_at, guard, state)
  values (enqueue_one.queue, enqueue_one.name, enqueue_one.max_attempts::integer, enqueue_one.payload::jsonb,
          coalesce((options::json ->> 'version')::integer, 1), coalesce((options::json ->> 'priority')::smallint, 0),
          options::json ->> 'partitionKey', (options::json -> 'headers')::jsonb,
          coalesce((options::json ->> 'runAt')::timestamptz,
                   statement_timestamp() + (options::json ->> 'delayMs')::float8 * interval '1 millisecond', statement_timestamp()),
          case when options::json ->> 'guarded' = 'false' then '-infinity' else statement_timestamp() end,
          case when coalesce((options::json ->> 'runAt')::timestamptz,
                             statement_timestamp() + (options::json ->> 'delayMs')::float8 * interval '1 millisecond')
                    > statement_timestamp() then 'scheduled' else 'ready' end::pillion.job_state)
  returning j.id || ' true ' || j.state || ' ' || j.enqueued_xid into answer;
  return answer;
end $function$
;

CREATE OR REPLACE FUNCTION pillion.guarded_statement()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  delete from pillion.guard where id = new.id;
  if new.state = 'ready' then
    perform pillion.wake(new.queue);
  end if;
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION pillion.transaction_guard()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  -- One expression decides the usual case, because each one is set up anew in each transaction.
  if new.guard operator(pg_catalog.=) pg_catalog.statement_timestamp()
     or (new.state operator(pg_catalog.=) 'ready' and tg_table_name operator(pg_catalog.=) 'job'
         and not pg_catalog.pg_try_advisory_xact_lock_shared(tg_relid::pg_catalog.int4, pg_catalog.hashtext(new.queue))) then
    if new.guard operator(pg_catalog.=) pg_catalog.statement_timestamp() then
      raise exception using
        errcode = 'no_active_sql_transaction',
        message = pg_catalog.format('pillion: job "%s" was not enqueued, because the statement ran outside a transaction', new.name),
        detail = 'The handle was never in a transaction, or its transaction is over: the statement would have committed by itself.',
        hint = pg_catalog.format('Enqueue with the handle that the transaction callback received, and await it there; to commit a job by itself, call enqueueStandalone. Under SET CONSTRAINTS ALL IMMEDIATE, run SET CONSTRAINTS %I.transaction_guard DEFERRED first.', tg_table_schema);
    elsif coalesce(pg_catalog.current_query(), '') operator(pg_catalog.!~*) 'prepare[[:space:]]+transaction' then
      perform pg_catalog.pg_notify(pg_catalog.concat('pillion_', tg_relid), new.queue);
    end if;
  end if;
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION pillion.wake(queue text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if not pg_try_advisory_xact_lock_shared('pillion.job'::regclass::oid::int4, hashtext(queue))
     and coalesce(current_query(), '') !~* 'prepare[[:space:]]+transaction' then
    perform pg_notify('pillion_' || 'pillion.job'::regclass::oid, queue);
  end if;
end $function$
;

-- Triggers

CREATE CONSTRAINT TRIGGER transaction_guard AFTER INSERT ON pillion.guard DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pillion.transaction_guard();

CREATE CONSTRAINT TRIGGER transaction_guard AFTER INSERT ON pillion.job DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.guard IS NOT NULL)) EXECUTE FUNCTION pillion.transaction_guard();

CREATE CONSTRAINT TRIGGER wake_up AFTER INSERT ON pillion.guard DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pillion.guarded_statement();

-- Views

create view pillion.attempts as
 SELECT job,
    attempt,
    worker,
    started_at,
    finished_at,
    outcome,
    error
   FROM pillion.attempt
UNION ALL
 SELECT id AS job,
    attempt,
    worker,
    started_at,
    finished_at,
    (state)::text AS outcome,
    error
   FROM pillion.archive
  WHERE (started_at IS NOT NULL)
UNION ALL
 SELECT id AS job,
    attempt,
    worker,
    started_at,
    NULL::timestamp with time zone AS finished_at,
    'running'::text AS outcome,
    NULL::jsonb AS error
   FROM pillion.job
  WHERE (state = 'running'::pillion.job_state);
