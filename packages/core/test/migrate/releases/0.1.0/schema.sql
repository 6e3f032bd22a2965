-- Pillion's jobs in the schema pillion, from version 0 to 17. What is there already is left as it is.
do $pillion$
declare
  version_before integer := 0;
begin
  if current_setting('server_encoding') <> 'UTF8' then
    raise exception 'This database stores text as %; Pillion needs a database with ENCODING ''UTF8''.', current_setting('server_encoding');
  end if;
  perform pg_advisory_xact_lock(hashtextextended('pillion migrate ' || 'pillion', 0));
  if to_regclass('pillion.migration') is not null then
    select coalesce(max(m.version), 0) into version_before from pillion.migration m;
  end if;
  if to_regnamespace('pillion') is null then
    create schema pillion;
  end if;

  if version_before < 1 then execute $pillion_1$
-- safe online: yes
--
-- A job lives in `job` while it can still run (scheduled, ready, running) and moves to `archive` in the
-- statement that ends it. Finished jobs thus never weigh on the table that is claimed from.
-- The schema is written `pillion` here; migrate() writes the configured name in its place.

create type pillion.job_state as enum ('scheduled', 'ready', 'running', 'completed', 'dead', 'cancelled');

-- The order in which jobs run. A job that comes back (retry, release) takes a new position, so that nothing
-- but a late commit ever appears behind the place where claims have got to.
create sequence pillion.position as bigint;

-- The fence: every claim draws one number, and every later write of that attempt must still find it in the row.
create sequence pillion.claim as bigint;

create table pillion.job (
  id             bigint generated always as identity primary key,
  -- The transaction that enqueued the job. It stands before position, and position asks for it again, because
  -- a claim reasons about late commits by "the transaction id was drawn before the position".
  enqueued_xid   xid8 not null default pg_current_xact_id(),
  position       bigint not null default
                   case when pg_current_xact_id() is not null then nextval('pillion.position') end,
  created_at     timestamptz not null default statement_timestamp(),
  run_at         timestamptz not null default statement_timestamp(),
  -- statement_timestamp() of the enqueue that must be inside a transaction; -infinity where it need not be.
  guard          timestamptz,
  state          pillion.job_state not null default 'ready',
  priority       smallint not null default 0 check (priority between -4 and 4),
  version        integer not null default 1,
  attempt        integer not null default 0,
  max_attempts   integer,
  queue          text not null default 'default',
  name           text not null,
  unique_key     text,
  partition_key  text,
  payload        jsonb not null,
  headers        jsonb,
  -- Not started by then, it is cancelled instead.
  start_before   timestamptz,
  -- While it runs: who holds it, by which claim, since when.
  worker         bigint,
  claim          bigint,
  started_at     timestamptz,
  -- Asked for while it runs; its worker hears of it and ends the attempt.
  cancelled_at   timestamptz,
  -- Attempts in which its worker fell silent.
  lost           smallint not null default 0,
  -- Claimed ahead of a free slot: its handler may not have started yet.
  prefetched     boolean not null default false,
  -- It takes one of the slots of its queue and key: while it runs in a limited queue, and, in strict order, until it ends.
  slot           boolean not null default false,
  -- It has steps that a later attempt must find again.
  stepped        boolean,
  -- The job that runs it and waits for it.
  parent         bigint
) with (
  fillfactor = 90,
  autovacuum_vacuum_scale_factor = 0.01,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_vacuum_cost_delay = 0
);

-- A lane is (queue, priority): a claim reads each lane from its first position on.
create index job_lane on pillion.job (queue, priority, position) where state = 'ready' and partition_key is null;
-- Jobs of a partition key stand in a line of their own, so that those of one key never hide those of another.
create index job_line on pillion.job (queue, partition_key, priority desc, position) where state = 'ready' and partition_key is not null;
create index job_due on pillion.job (run_at) where state = 'scheduled';
-- By claim too: what a worker still holds was claimed late, and the entries of what it has ended lie before it.
create index job_held on pillion.job (worker, claim) where state = 'running';
-- What holds a slot, by its claim: a claim counts from the lowest that still may. And what waits with its slot, in strict
-- order, and has no claim meanwhile.
create index job_slot on pillion.job (queue, claim) where slot and claim is not null;
create index job_slot_waits on pillion.job (queue, partition_key) where slot and claim is null;
create index job_key on pillion.job (unique_key, name) where unique_key is not null;
create index job_parent on pillion.job (parent) where parent is not null;

-- A claim of jobs that nobody asks for while they run: all of them in one row, since most of them end together. `job`
-- does not have them meanwhile. Its arrays run in step: the n-th job is done, or would be charged with an attempt if
-- its worker died. Jobs with a unique key, of a limited queue, with steps or a parent keep their rows.
-- It holds rows of job's type, so a column that is added to job must be nullable and get its default in a second
-- statement: Postgres refuses what would rewrite a type that is in use.
create table pillion.batch (
  claim       bigint primary key,
  worker      bigint not null,
  claimed_at  timestamptz not null,
  ids         bigint[] not null,
  jobs        pillion.job[] not null,
  done        boolean[] not null,
  charged     boolean[] not null,
  remaining   integer not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
-- To compress what is gone in a moment costs more than it saves, and what is read by its places must lie open.
alter table pillion.batch alter ids set storage external, alter jobs set storage external, alter done set storage plain, alter charged set storage plain;
-- Partial, though every row is in it, so that a look for one claim cannot take it: planned while the table was empty,
-- that would read all of it.
create index batch_worker on pillion.batch (worker, claim) where worker > 0;

-- Jobs in a batch that somebody has cancelled: its worker hears of it and ends the attempt.
create table pillion.cancellation (
  worker  bigint not null,
  claim   bigint not null,
  job     bigint not null,
  at      timestamptz not null,
  primary key (worker, claim, job)
);

-- Which job holds a unique key. A row outlives its job until the key is taken again or swept: whoever takes
-- the key looks whether the holder still waits, so claims never touch this table.
create table pillion.unique_key (
  name        text not null,
  key         text not null,
  job         bigint not null,
  until       text not null check (until in ('started', 'finished', 'period')),
  expires_at  timestamptz,
  primary key (name, key)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);

create table pillion.archive (
  id             bigint not null,
  state          pillion.job_state not null,
  queue          text not null,
  name           text not null,
  version        integer not null,
  priority       smallint not null,
  attempt        integer not null,
  max_attempts   integer,
  created_at     timestamptz not null,
  run_at         timestamptz not null,
  start_before   timestamptz,
  -- The last attempt; earlier ones are in `attempt`.
  started_at     timestamptz,
  finished_at    timestamptz not null,
  worker         bigint,
  error          jsonb,
  unique_key     text,
  partition_key  text,
  enqueued_xid   xid8 not null,
  parent         bigint,
  payload        jsonb not null,
  headers        jsonb,
  result         jsonb,
  -- Its partition is dropped on that day (UTC): a partition holds the jobs of one such day.
  keep_until     date not null
) partition by list (keep_until);
create index archive_id on pillion.archive (id);
-- What may be brought back: far fewer than have completed. With what lists of it are filtered by.
create index archive_undone on pillion.archive (state, id) include (queue, name) where state in ('dead', 'cancelled');
create index archive_parent on pillion.archive (parent) where parent is not null;
-- Completion never fails for want of a partition.
create table pillion.archive_default partition of pillion.archive default;

-- Every attempt that did not end its job: failed and retried, timed out, lost, handed back; and those that had
-- ended it, where it was brought back.
create table pillion.attempt (
  job          bigint not null,
  attempt      integer not null,
  queue        text not null,
  worker       bigint not null,
  started_at   timestamptz not null,
  finished_at  timestamptz not null,
  outcome      text not null check (outcome in ('failed', 'lost', 'released', 'snoozed', 'completed', 'dead', 'cancelled')),
  error        jsonb,
  keep_until   date not null
) partition by list (keep_until);
create index attempt_job on pillion.attempt (job);
create table pillion.attempt_default partition of pillion.attempt default;

-- What is settled for a queue, for all workers. A queue needs no row to exist.
create table pillion.queue (
  name                text primary key,
  paused_at           timestamptz,
  -- How many of its jobs run at the same time, over all workers; and how many of one partition key.
  concurrency         integer check (concurrency >= 1),
  key_concurrency     integer check (key_concurrency >= 1),
  -- How many start within any stretch of time of that length; and how many of one partition key.
  rate_limit          integer check (rate_limit >= 1),
  rate_ms             bigint check (rate_ms >= 1),
  key_rate_limit      integer check (key_rate_limit >= 1),
  key_rate_ms         bigint check (key_rate_ms >= 1),
  -- The jobs of one partition key run one after the other, in the order of their enqueue.
  fifo                boolean not null default false,
  limited             boolean not null generated always as
                        (fifo or num_nonnulls(concurrency, key_concurrency, rate_limit, key_rate_limit) > 0) stored,
  -- Whether a dead job holds up the jobs of its key that come after it.
  fifo_on_dead        text not null default 'continue' check (fifo_on_dead in ('continue', 'block')),
  -- How long finished jobs are kept, at most 3,650 days; null for the usual.
  keep_completed_ms   bigint check (keep_completed_ms between 0 and 315360000000),
  keep_dead_ms        bigint check (keep_dead_ms between 0 and 315360000000),
  keep_cancelled_ms   bigint check (keep_cancelled_ms between 0 and 315360000000),
  check ((rate_limit is null) = (rate_ms is null)),
  check ((key_rate_limit is null) = (key_rate_ms is null))
);

-- The day on which what is to be kept for so long may go. Days are grouped, so that there never are many partitions:
-- by 14 from 32 days on, by 91 from a year on. It and the next two are expressions, which statements take in.
create function pillion.keep_day(at timestamptz, keep_ms bigint) returns date
language sql stable return
  date '1970-01-01' + (((at + keep_ms * interval '1 millisecond') at time zone 'UTC')::date - date '1970-01-01')
    / case when keep_ms < 2764800000 then 1 when keep_ms < 31536000000 then 14 else 91 end
    * case when keep_ms < 2764800000 then 1 when keep_ms < 31536000000 then 14 else 91 end
  + case when keep_ms < 2764800000 then 1 when keep_ms < 31536000000 then 14 else 91 end;

-- For a job that ends: `settings` is its queue's row, or null where it has none.
create function pillion.keep_until(settings pillion.queue, state pillion.job_state, finished_at timestamptz) returns date
language sql stable return
  pillion.keep_day(finished_at, case state
    when 'completed' then coalesce((settings).keep_completed_ms, 604800000)
    when 'dead' then coalesce((settings).keep_dead_ms, 7776000000)
    else coalesce((settings).keep_cancelled_ms, 604800000) end);

-- For an attempt that did not end its job: it stays for as long as any ending of a job that goes on at `at` or within
-- 30 days after it.
create function pillion.keep_attempt_until(settings pillion.queue, at timestamptz) returns date
language sql stable return
  pillion.keep_day(at, 2592000000 + greatest(coalesce((settings).keep_completed_ms, 604800000),
    coalesce((settings).keep_dead_ms, 7776000000), coalesce((settings).keep_cancelled_ms, 604800000)));

-- Keys of queues in strict order that wait for a dead job to be retried or cancelled.
create table pillion.blocked_key (
  queue          text not null,
  partition_key  text not null,
  job            bigint not null,
  -- Where it stood, and stands again when it is retried.
  position       bigint not null,
  primary key (queue, partition_key)
);
create index blocked_key_job on pillion.blocked_key (job);

-- How many jobs of a queue (partition_key '') or of one partition key started when, for at least as long as a rate limit
-- asks.
create table pillion.start (
  queue          text not null,
  partition_key  text not null,
  at             timestamptz not null,
  jobs           integer not null
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
create index start_at on pillion.start (queue, partition_key, at);

-- Tells one run of the server from another. A crash of the server, or a failover, may take back the last numbers that
-- were drawn; it empties what is not logged, so whoever remembers a number by this id knows of it.
create unlogged table pillion.server_run (
  one  boolean primary key default true check (one),
  id   uuid not null default gen_random_uuid()
);
insert into pillion.server_run default values;

-- To be called by a claim that finds no run, and so is the first after a crash. What ran before it may still report on
-- claims that the server has forgotten, so their numbers must not come again: it leaves out more than can have been drawn
-- without reaching the disk. It must itself be on disk when it ends.
create function pillion.begin_server_run() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into pillion.server_run default values on conflict do nothing;
  if found then
    perform setval('pillion.claim', nextval('pillion.claim') + 1000000);
  end if;
end $$;

create table pillion.worker (
  id            bigint generated always as identity primary key,
  label         text not null,
  queues        text[] not null,
  names         text[] not null,
  concurrency   integer not null,
  lease_ms      integer not null,
  started_at    timestamptz not null,
  heartbeat_at  timestamptz not null,
  stopped_at    timestamptz,
  -- Tells one database from its copy: a client that reads it here sees the jobs of this worker.
  nonce         uuid not null default gen_random_uuid()
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
-- Those that live, among many that have stopped. A beat leaves it as it is, so its update stays on the row's page.
create index worker_stopped on pillion.worker (stopped_at);

create table pillion.migration (
  version     integer primary key,
  name        text not null,
  applied_at  timestamptz not null default statement_timestamp()
);

-- Every attempt of every job, ended or running.
create view pillion.attempts as
  select job, attempt, worker, started_at, finished_at, outcome, error from pillion.attempt
  union all
  select id, attempt, worker, started_at, finished_at, state::text, error from pillion.archive where started_at is not null
  union all
  select id, attempt, worker, started_at, null, 'running', null from pillion.job where state = 'running'
  union all
  select j.id, j.attempt + 1, b.worker, b.claimed_at, null, 'running', null
  from pillion.batch b cross join lateral unnest(b.jobs) with ordinality j where not b.done[j.ordinality];

-- Every job that has not ended, whether it waits or runs.
create view pillion.live as
  select id, enqueued_xid, position, created_at, run_at, state, priority, version, attempt, max_attempts, queue, name, unique_key, partition_key,
    payload, headers, start_before, worker, claim, started_at, cancelled_at, lost, parent
  from pillion.job
  union all
  select j.id, j.enqueued_xid, j.position, j.created_at, j.run_at, 'running', j.priority, j.version, j.attempt + 1, j.max_attempts, j.queue, j.name,
    j.unique_key, j.partition_key, j.payload, j.headers, j.start_before, b.worker, b.claim, b.claimed_at,
    (select c.at from pillion.cancellation c where c.worker = b.worker and c.claim = b.claim and c.job = j.id), j.lost, j.parent
  from pillion.batch b cross join lateral unnest(b.jobs) with ordinality j where not b.done[j.ordinality];

insert into pillion.migration (version, name) values (1, 'jobs');
$pillion_1$;
  end if;

  if version_before < 2 then execute $pillion_2$
-- safe online: yes
--
-- An enqueue that must be inside a transaction is refused at COMMIT where it was not; the same triggers wake workers.

-- One row for each statement that must be inside a transaction and leaves no guarded job row of its own. Its
-- columns bear the names of job's, so that one trigger serves both; the trigger deletes the row at commit, and
-- the table is empty to everybody else.
create table pillion.guard (
  id     bigint generated always as identity primary key,
  guard  timestamptz not null,
  -- What is not an enqueue says here what it is.
  verb   text,
  name   text,
  queue  text,
  state  pillion.job_state,
  -- Who runs a job that is to be cancelled, and hears of it at commit.
  worker bigint
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);

-- Wakes a sleeping worker of the queue, if one says that it sleeps: it then holds this advisory lock. A lock is
-- seen at once by all, whatever their snapshot, and is kept until the commit is visible to others: so the
-- worker's last look, taken after it got the lock, misses nothing. NOTIFY would forbid PREPARE TRANSACTION, whose
-- text the server still knows when the triggers fire; that of an autocommit in the extended protocol it does not.
create function pillion.wake(queue text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not pg_try_advisory_xact_lock_shared('pillion.job'::regclass::oid::int4, hashtext(queue))
     and coalesce(current_query(), '') !~* 'prepare[[:space:]]+transaction' then
    perform pg_notify('pillion_' || 'pillion.job'::regclass::oid, queue);
  end if;
end $$;

-- Fires at COMMIT. The commit of a statement that stands alone belongs to that statement, so both have the same
-- statement_timestamp(); a COMMIT that ends a transaction is a statement of its own, with a later one.
-- It runs as whoever commits, with whatever search_path: so every name is qualified, and none is in this schema.
create function pillion.transaction_guard() returns trigger
language plpgsql as $$
declare
  verb text;
begin
  -- One expression decides the usual case, because each one is set up anew in each transaction.
  if new.guard operator(pg_catalog.=) pg_catalog.statement_timestamp()
     or (new.state operator(pg_catalog.=) 'ready' and tg_table_name operator(pg_catalog.=) 'job'
         and not pg_catalog.pg_try_advisory_xact_lock_shared(tg_relid::pg_catalog.int4, pg_catalog.hashtext(new.queue))) then
    if new.guard operator(pg_catalog.=) pg_catalog.statement_timestamp() then
      verb := pg_catalog.to_jsonb(new) operator(pg_catalog.->>) 'verb';
      raise exception using
        errcode = 'no_active_sql_transaction',
        message = case when verb is null
          then pg_catalog.format('pillion: job "%s" was not enqueued, because the statement ran outside a transaction', new.name)
          else pg_catalog.format('pillion: %s was not done, because the statement ran outside a transaction', verb) end,
        detail = 'The handle was never in a transaction, or its transaction is over: the statement would have committed by itself.',
        hint = pg_catalog.format('%s Under SET CONSTRAINTS ALL IMMEDIATE, run SET CONSTRAINTS %I.transaction_guard DEFERRED first.', case when verb is null
          then 'Enqueue with the handle that the transaction callback received, and await it there; to commit a job by itself, call enqueueStandalone.'
          else 'Call it with the handle that the transaction callback received, and await it there; outside any transaction it is for createAdmin, of @pillion/core/admin.' end, tg_table_schema);
    elsif coalesce(pg_catalog.current_query(), '') operator(pg_catalog.!~*) 'prepare[[:space:]]+transaction' then
      perform pg_catalog.pg_notify(pg_catalog.concat('pillion_', tg_relid), new.queue);
    end if;
  end if;
  return null;
end $$;

-- What else a row of the table guard is for: its queue's wake-up, or a word to a worker, which need rights that
-- whoever commits may lack.
create function pillion.guarded_statement() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  delete from pillion.guard where id = new.id;
  if new.state = 'ready' then
    perform pillion.wake(new.queue);
  end if;
  if new.worker is not null and coalesce(current_query(), '') !~* 'prepare[[:space:]]+transaction' then
    perform pg_notify('pillion_' || 'pillion.job'::regclass::oid || '_beat', new.worker::text);
  end if;
  return null;
end $$;

create constraint trigger transaction_guard after insert on pillion.job
  deferrable initially deferred for each row when (new.guard is not null)
  execute function pillion.transaction_guard();
create constraint trigger transaction_guard after insert on pillion.guard
  deferrable initially deferred for each row
  execute function pillion.transaction_guard();
create constraint trigger wake_up after insert on pillion.guard
  deferrable initially deferred for each row
  execute function pillion.guarded_statement();

insert into pillion.migration (version, name) values (2, 'transaction_guard');
$pillion_2$;
  end if;

  if version_before < 3 then execute $pillion_3$
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

insert into pillion.migration (version, name) values (3, 'enqueue');
$pillion_3$;
  end if;

  if version_before < 4 then execute $pillion_4$
-- safe online: yes
--
-- The way in for SQL: triggers, functions, psql and other languages. Atomic by itself, so it is not guarded.

-- Says what an option of a job must be, where the value is not that; null where it is.
create function pillion.wanted_option(option text, value jsonb) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  kind constant text := jsonb_typeof(value);
  said constant text := value #>> '{}';
  most constant integer := case option when 'queue' then 128 else 512 end;
begin
  if option in ('queue', 'partitionKey', 'uniqueKey') then
    if kind = 'string' and octet_length(said) between 1 and most then
      return null;
    end if;
    return format('a text of 1 to %s bytes', most);
  elsif option = 'priority' then
    return case when kind = 'number' and said ~ '^-?[0-4]$' then null else 'a whole number from -4 to 4' end;
  elsif option in ('version', 'maxAttempts') then
    if kind = 'number' and said ~ '^[0-9]{1,10}$' and said::bigint between 1 and 2147483647 then
      return null;
    end if;
    return 'a whole number from 1 to 2147483647';
  elsif option = 'delayMs' then
    if kind = 'number' and said::numeric between 0 and 1e14 then
      return null;
    end if;
    return 'a number of milliseconds from 0 to 100000000000000';
  elsif option = 'headers' then
    return case when kind <> 'object' then 'an object' end;
  elsif option = 'uniqueUntil' then
    if kind = 'string' and said in ('started', 'finished')
       or kind = 'object' and value - 'periodMs' = '{}' and jsonb_typeof(value -> 'periodMs') = 'number'
          and (value ->> 'periodMs')::numeric between 1 and 1e14 then
      return null;
    end if;
    return '"started", "finished" or {"periodMs": number from 1 to 100000000000000}';
  elsif option = 'onConflict' then
    return case when kind = 'string' and said in ('keep', 'debounce', 'throttle') then null
                else '"keep", "debounce" or "throttle"' end;
  end if;
  -- runAt and startBefore. A time without a zone would mean what the session's settings say.
  if kind = 'string' and said ~ '^[0-9]{4,6}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2}){0,2})( BC)?$' then
    begin
      perform said::timestamptz;
      return null;
    exception when datetime_field_overflow or invalid_datetime_format then
      -- The 31st of February.
    end;
  end if;
  return 'a time with its zone, as in "2030-01-31T09:00:00Z"';
end $$;

-- Enqueues one job in the transaction that calls it, or by itself where there is none. The three parameters stay for
-- ever; options are the properties listed below, of which a null is as if it were absent.
create function pillion.enqueue(name text, payload jsonb, options jsonb default '{}')
returns table (id bigint, created boolean, state pillion.job_state)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
  known   constant text[] := array['queue', 'version', 'priority', 'headers', 'runAt', 'delayMs', 'startBefore', 'maxAttempts',
                                   'partitionKey', 'uniqueKey', 'uniqueUntil', 'onConflict'];
  given   jsonb := coalesce(options, '{}');
  issue   text;
  mending text;
begin
  if name is null or octet_length(name) not between 1 and 128 then
    raise exception using errcode = 'invalid_parameter_value',
      message = format('pillion: the job name %L is not a text of 1 to 128 bytes', left(name, 100)),
      hint = 'Pass the name that defineJob was given.';
  end if;
  if payload is null then
    issue := 'its payload is an SQL NULL';
    mending := 'Pass a jsonb value; the JSON null is ''null''::jsonb.';
  elsif octet_length(payload::text) > 1048576 then
    issue := format('its payload has %s bytes; at most 1048576 are allowed', octet_length(payload::text));
    mending := 'Store the data and enqueue a reference to it.';
  elsif jsonb_typeof(given) <> 'object' then
    issue := format('its options are a JSON %s, not an object', jsonb_typeof(given));
    mending := 'Pass an object: ''{"delayMs": 60000}''.';
  else
    select format('it has the unknown option "%s"', o.key), format('Known options: %s.', array_to_string(known, ', '))
      into issue, mending
    from jsonb_object_keys(given) o(key) where o.key <> all (known) limit 1;
  end if;
  if issue is null then
    select format('its %s is %s, not %s', o.key, left(o.value::text, 100), w.wanted) into issue
    from jsonb_each(given) o
    cross join lateral pillion.wanted_option(o.key, o.value) w(wanted)
    where o.value <> 'null' and w.wanted is not null
    limit 1;
  end if;
  if issue is null and given ->> 'runAt' is not null and given ->> 'delayMs' is not null then
    issue := 'it has both runAt and delayMs; give one of them';
  elsif issue is null and (given ->> 'startBefore')::timestamptz <= (given ->> 'runAt')::timestamptz then
    issue := 'its startBefore is not after its runAt';
  elsif issue is null and given ->> 'uniqueUntil' is not null and given ->> 'uniqueKey' is null then
    issue := 'it has uniqueUntil but no uniqueKey';
  elsif issue is null and given ->> 'onConflict' is not null and given ->> 'uniqueKey' is null then
    issue := 'it has onConflict but no uniqueKey';
  elsif issue is null and given ->> 'onConflict' in ('debounce', 'throttle') and coalesce(given ->> 'uniqueUntil', 'started') <> 'started' then
    issue := format('its onConflict is "%s", which changes a job that waits: its uniqueUntil can only be "started"', given ->> 'onConflict');
  end if;
  if issue is not null then
    raise exception using errcode = 'invalid_parameter_value',
      message = format('pillion: job "%s": %s', name, issue), hint = coalesce(mending, 'Nothing was enqueued.');
  end if;
  return query
  select e.id, e.created, e.state
  from pillion.enqueue_keyed(json_build_array(
    jsonb_strip_nulls(given - 'headers') - 'uniqueUntil' - case when given ->> 'onConflict' = 'keep' then 'onConflict' else '' end
    || jsonb_build_object('name', name, 'payload', payload, 'headers', given -> 'headers')
    || case jsonb_typeof(given -> 'uniqueUntil')
         when 'string' then jsonb_build_object('uniqueUntil', given -> 'uniqueUntil')
         when 'object' then jsonb_build_object('uniqueUntil', 'period', 'periodMs', given -> 'uniqueUntil' -> 'periodMs')
         else '{}' end), false) e;
end $$;

insert into pillion.migration (version, name) values (4, 'enqueue_in_sql');
$pillion_4$;
  end if;

  if version_before < 5 then execute $pillion_5$
-- safe online: yes
--
-- Whoever may use the schema could otherwise call every function in it.
revoke execute on function pillion.wake, pillion.transaction_guard, pillion.guarded_statement, pillion.guard_within, pillion.enqueue_one,
  pillion.enqueue_keyed, pillion.wanted_option, pillion.enqueue, pillion.keep_day, pillion.keep_until, pillion.keep_attempt_until, pillion.begin_server_run from public;

-- Gives a role what it needs, and no more: an 'enqueuer' can put jobs in and take them back, and read none; a 'worker'
-- can run them; an 'operator' can besides stop and set queues, and say who subscribes; a 'reader' can look; a 'tester', which is
-- for test databases, can look at and run what its own transaction has enqueued. A role may be given several. To be called by the schema's owner, again after each upgrade.
create function pillion.allow(role text, kind text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  schema constant text := relnamespace::regnamespace from pg_class where oid = 'pillion.job'::regclass;
  rights text[];
  given  text;
begin
  rights := case kind
    when 'enqueuer' then array[
      -- A batch is one INSERT; each other way in is a function that has the owner's rights.
      'insert (queue, name, version, priority, max_attempts, partition_key, payload, headers, guard, run_at, start_before, state) on pillion.job',
      'select (id, state) on pillion.job',
      'usage on sequence pillion.position',
      'execute on function pillion.enqueue_one, pillion.enqueue_keyed, pillion.enqueue, pillion.publish',
      'execute on function pillion.cancel, pillion.retry, pillion.reschedule, pillion.begin_once, pillion.end_once,
        pillion.emit']
    when 'operator' then array[
      'select, insert, update on pillion.queue',
      'select, insert, update, delete on pillion.subscription, pillion.schedule',
      'execute on function pillion.cancel, pillion.retry, pillion.reschedule, pillion.pause, pillion.resume']
    when 'worker' then array[
      'select, insert, update, delete on pillion.job, pillion.unique_key, pillion.queue, pillion.worker, pillion.schedule,
        pillion.start, pillion.blocked_key, pillion.batch, pillion.cancellation, pillion.idempotency, pillion.checkpoint, pillion.event, pillion.wait, pillion.woken, pillion.cascade',
      'select, insert on pillion.archive, pillion.attempt',
      'select on pillion.server_run',
      'select, insert, update on pillion.subscription',
      'select on pillion.migration, pillion.attempts, pillion.live',
      'usage on sequence pillion.position, pillion.claim',
      'execute on function pillion.wake, pillion.keep_day, pillion.keep_until, pillion.keep_attempt_until, pillion.keep,
        pillion.claimed, pillion.step, pillion.begin_server_run, pillion.unpack, pillion.allowed, pillion.claim_by_key, pillion.rescue, pillion.rescue_singly, pillion.promote, pillion.tick, pillion.waiting, pillion.queue_depths,
        pillion.complete, pillion.sees, pillion.checkpoint, pillion.checkpoints, pillion.begin_wait, pillion.read_steps, pillion.meet']
    when 'reader' then array[
      'select on pillion.job, pillion.unique_key, pillion.queue, pillion.worker, pillion.schedule, pillion.start, pillion.blocked_key, pillion.archive, pillion.attempt, pillion.attempts, pillion.live, pillion.jobs, pillion.batch, pillion.cancellation, pillion.subscription, pillion.migration,
        pillion.checkpoint, pillion.event, pillion.wait',
      'execute on function pillion.find_jobs, pillion.look_through, pillion.newest_dead, pillion.queue_depths, pillion.waiting, pillion.throughput, pillion.kept, pillion.days_ahead, pillion.keep_day, pillion.keep_until, pillion.keep_attempt_until']
    when 'tester' then array[
      'execute on function pillion.enqueued_here, pillion.start_here, pillion.end_here, pillion.checkpoint, pillion.checkpoints, pillion.begin_wait, pillion.read_steps']
  end;
  if rights is null then
    raise exception using errcode = 'invalid_parameter_value',
      message = format('pillion: %L is no kind of role', kind), hint = 'It is one of ''enqueuer'', ''worker'', ''operator'', ''reader'' and ''tester''.';
  end if;
  foreach given in array array['usage on schema ' || schema] || rights loop
    execute format('grant %s to %I', given, role);
  end loop;
end $$;
revoke execute on function pillion.allow from public;

insert into pillion.migration (version, name) values (5, 'rights');
$pillion_5$;
  end if;

  if version_before < 6 then execute $pillion_6$
-- safe online: yes
--
-- What a worker does all the time. Functions, because a session then plans each statement once, and generically: a
-- queue is usually empty when it is analyzed, and a plan for an empty table reads the whole of a full one. The
-- settings leave the planner no other way than the indexes. No statement ever waits for a row.

-- A claimed job as a JSON array after a comma: what a worker must know of it, in the order that claimed-job.ts reads.
-- Its queue and its name are places in the worker's own lists; what few jobs have comes last, as an object.
create function pillion.claimed(job pillion.job, attempt integer, queues text[], names text[]) returns text
language sql stable return
  ',[' || concat_ws(',', (job).id, (job).position, (job).priority, array_position(queues, (job).queue), array_position(names, (job).name),
    (job).version, attempt, coalesce((job).max_attempts, 0), floor(date_part('epoch', (job).created_at) * 1000)::bigint, (job).payload,
    case when (job).run_at <> (job).created_at or (job).headers is not null or (job).partition_key is not null or (job).start_before is not null
           or (job).lost > 0 or (job).prefetched or (job).stepped or (job).parent is not null then
      json_build_object('runAt', floor(date_part('epoch', (job).run_at) * 1000), 'headers', (job).headers, 'partitionKey', (job).partition_key,
        'lost', (job).lost, 'prefetched', (job).prefetched, 'stepped', (job).stepped, 'child', (job).parent is not null,
        'startInMs', case when attempt = 1 then (date_part('epoch', (job).start_before) - date_part('epoch', statement_timestamp())) * 1000 end) end) || ']';

-- Ends completed attempts and takes further jobs, in one round trip.
-- batches, batch_started: of each batch, as the text of an array, how many milliseconds after the claim the handler of
--   each of its jobs started; -1 for those that are not to be completed now.
-- ids, claims, started: the same of attempts whose jobs have rows of their own.
-- results: what handlers returned, by the job's id; null where none returned anything.
-- names, versions, apart: the job types to take, and whether a job of one keeps a row of its own while it runs, because
--   its handler completes it in a transaction.
-- queues, priorities, bounds: the lanes, in the order in which they are read, each from a position on.
-- most, free: how many jobs to take at most; and how many of them start at once, the others being claimed ahead. Those
--   whose worker fell silent before are always claimed ahead: their start is written before it happens.
-- Answers one JSON text, [head, job, job …].
create function pillion.step(
  worker bigint, batches bigint[], batch_started text[], ids bigint[], claims bigint[], started integer[], results jsonb,
  queues text[], priorities smallint[], bounds bigint[], names text[], versions integer[], apart boolean[], most integer, free integer)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  -- How long what completes is kept: by most queues for the usual time.
  usual     date;
  usual_only boolean;
  ended     bigint[];
  busy_batches json;
  lost_batches json;
  busy      json;
  lost      json;
  oldest    xid8;
  begun     bigint;
  fence     bigint;
  closed    json;
  run       uuid;
  setting   text;
  sure      boolean;
  picked    tid[];
  alone     boolean[];
  claimed_ids bigint[];
  claimed_jobs pillion.job[];
  charged   boolean[];
  jobs      text;
  others    text;
begin
  if cardinality(step.batches) > 0 or cardinality(step.ids) > 0 then
    usual := pillion.keep_until(null, 'completed', statement_timestamp());
    usual_only := not exists (select from pillion.queue q where q.keep_completed_ms is not null);
  end if;
  if cardinality(step.batches) > 0 then
    with held as materialized (
      select d.claim, d.started, b.worker, b.claimed_at, b.jobs, b.done, b.remaining
      from unnest(step.batches, step.batch_started) e(claim, started)
      cross join lateral (select e.claim, e.started::integer[] as started) d
      cross join lateral (select b.* from pillion.batch b where b.claim = d.claim for update skip locked) b
    ), archived as (
      insert into pillion.archive (id, queue, name, version, priority, attempt, max_attempts, created_at, run_at, start_before, started_at,
        worker, unique_key, partition_key, enqueued_xid, payload, headers, state, finished_at, result, keep_until)
      select j.id, j.queue, j.name, j.version, j.priority, j.attempt + 1, j.max_attempts, j.created_at, j.run_at, j.start_before,
        h.claimed_at + h.started[j.ordinality] * interval '1 millisecond', h.worker, j.unique_key, j.partition_key, j.enqueued_xid, j.payload,
        j.headers, 'completed', statement_timestamp(), step.results -> j.id::text,
        coalesce(case when not usual_only then (
          select pillion.keep_until(q, 'completed', statement_timestamp()) from pillion.queue q where q.name = j.queue) end, usual)
      from held h cross join lateral unnest(h.jobs) with ordinality j
      where h.started[j.ordinality] >= 0 and not h.done[j.ordinality]
    ), counted as (
      select h.claim, h.remaining, (select count(*) from unnest(h.started, h.done) e(started, done) where e.started >= 0 and not e.done) as ended,
        array(select e.done or e.started >= 0 from unnest(h.started, h.done) e(started, done)) as done
      from held h
    ), ended as (
      -- By an array, so that no plan reads the whole table; not by ctid: what another has just changed has a new one.
      delete from pillion.batch b where b.claim = any (array(select c.claim from counted c where c.ended = c.remaining))
    ), begun as (
      update pillion.batch b set remaining = b.remaining - c.ended, done = c.done
      from counted c where b.claim = any (array(select c.claim from counted c where c.ended < c.remaining)) and c.claim = b.claim
    )
    select array_agg(claim) into ended from held;
    if cardinality(ended) is distinct from cardinality(step.batches) then
      select json_agg(c::text) filter (where b.claim is not null), json_agg(c::text) filter (where b.claim is null) into busy_batches, lost_batches
      from unnest(step.batches) c left join lateral (select b.claim from pillion.batch b where b.claim = c limit 1) b on true
      where c <> all (coalesce(ended, '{}'));
    end if;
  end if;
  if cardinality(step.ids) > 0 then
    with done as (
      select d.id, d.claim, d.started, step.results -> d.id::text as result
      from unnest(step.ids, step.claims, step.started) d(id, claim, started)
    ), held as materialized (
      -- A claim stands in running jobs only. To ask for the state as well would offer the planner another index.
      select j.row, done.started, done.result
      from done cross join lateral (
        select j.ctid as row from pillion.job j where j.id = done.id and j.claim = done.claim
        for update skip locked
      ) j
    ), deleted as (
      delete from pillion.job j using held where j.ctid = held.row
      returning j.id, j.queue, j.name, j.version, j.priority, j.attempt, j.max_attempts, j.created_at, j.run_at,
        j.start_before, j.started_at + held.started * interval '1 millisecond' as started_at, j.worker, j.unique_key, j.partition_key, j.enqueued_xid,
        j.parent, j.payload, j.headers, held.result, j.slot
    ), archived as (
      insert into pillion.archive (id, queue, name, version, priority, attempt, max_attempts, created_at, run_at, start_before,
        started_at, worker, unique_key, partition_key, enqueued_xid, parent, payload, headers, state, finished_at, result, keep_until)
      select d.id, d.queue, d.name, d.version, d.priority, d.attempt, d.max_attempts, d.created_at, d.run_at, d.start_before,
        d.started_at, d.worker, d.unique_key, d.partition_key, d.enqueued_xid, d.parent, d.payload, d.headers,
        'completed', statement_timestamp(), d.result,
        coalesce(case when not usual_only then (
          select pillion.keep_until(q, 'completed', statement_timestamp()) from pillion.queue q where q.name = d.queue) end, usual)
      from deleted d
      returning id
    ), woken as materialized (
      -- A slot is free again: for a worker that waits for one.
      select pillion.wake(s.queue) from (select distinct queue from deleted where slot) s
    )
    select array_agg(id) into ended from archived, (select count(*) from woken) w;
    if cardinality(ended) is distinct from cardinality(step.ids) then
      select json_agg(d.id::text) filter (where j.id is not null), json_agg(d.id::text) filter (where j.id is null) into busy, lost
      from unnest(step.ids, step.claims) d(id, claim)
      left join lateral (select j.id from pillion.job j where j.id = d.id and j.claim = d.claim limit 1) j on true
      where d.id <> all (coalesce(ended, '{}'));
    end if;
  end if;

  if step.most > 0 then
    -- Seen before the jobs are: whatever has ended by now, the claim sees.
    oldest := pg_snapshot_xmin(pg_current_snapshot());
    begun := pg_sequence_last_value('pillion.position');
    select json_agg(q.name), (select r.id from pillion.server_run r where r.one) into closed, run from pillion.queue q
    where q.name = any (step.queues) and (q.paused_at is not null or q.limited);
    -- What has ended is on disk before its worker forgets it; a mere claim need not be: if the server crashes, the job is
    -- ready again. Whatever its handler commits is written after the claim, and so takes it along.
    if run is null then
      perform pillion.begin_server_run();
    elsif cardinality(step.batches) = 0 and cardinality(step.ids) = 0 then
      setting := set_config('synchronous_commit', 'off', true);
    end if;
    fence := nextval('pillion.claim');
    if step.most = 1 then
      -- A plan of few parts is begun sooner: so a worker that was idle is handed its job. It may find one of a name and
      -- of a version that are not one handler's; then it is looked for as the many are.
      select array[found.row], array[found.alone], step.versions[array_position(step.names, found.name)] = found.version into picked, alone, sure
      from unnest(step.queues, step.priorities, step.bounds) lane(queue, priority, bound)
      left join pillion.queue q on q.name = lane.queue
      cross join lateral (
        select j.ctid as row, j.name, j.version,
          true = any (step.apart) or j.unique_key is not null or j.cancelled_at is not null or j.stepped is not null or j.parent is not null as alone
        from pillion.job j
        where j.state = 'ready' and j.partition_key is null and j.queue = lane.queue and j.priority = lane.priority and j.position >= lane.bound
          and j.name = any (step.names) and j.version = any (step.versions)
        order by j.position
        limit 1
        for update skip locked
      ) found
      where q.paused_at is null and q.limited is not true
      limit 1;
    end if;
    if step.most > 1 or not sure then
      select array_agg(found.row), array_agg(found.alone) into picked, alone
      from (
        -- Its limit stands within: a window reads one row ahead, which may lie behind a million that are not ours.
        select found.row, found.alone, row_number() over so_far as rank, sum(found.size) over so_far as bytes
        from (
          select ready.*
          from unnest(step.queues, step.priorities, step.bounds) lane(queue, priority, bound)
          left join pillion.queue q on q.name = lane.queue
          cross join lateral (
            select j.ctid as row, case when pg_column_size(j.payload) > 2000 then octet_length(j.payload::text) else 0 end as size,
              j.unique_key is not null or j.cancelled_at is not null or j.stepped is not null or j.parent is not null or case when true = any (step.apart) then (j.name, j.version) in (
                select h.name, h.version from unnest(step.names, step.versions, step.apart) h(name, version, apart) where h.apart) else false end as alone
            from pillion.job j
            where j.state = 'ready' and j.partition_key is null and j.queue = lane.queue and j.priority = lane.priority and j.position >= lane.bound
              -- Inside a case it is looked up in a hash, and not joined.
              and case when (j.name, j.version) in (select h.name, h.version from unnest(step.names, step.versions) h(name, version)) then true end
            order by j.position
            limit step.most
            for update skip locked
          ) ready
          where q.paused_at is null and q.limited is not true
          limit step.most
        ) found
        window so_far as (rows unbounded preceding)
      ) found
      where found.rank = 1 or found.bytes <= 8388608;
    end if;
    if false = any (alone) then
      with taken as (
        delete from pillion.job j using unnest(picked, alone) with ordinality p(row, alone, rank)
        where j.ctid = p.row and not p.alone
        returning j as job, j.id, p.rank <= step.free and j.lost = 0 as charged, pillion.claimed(j, j.attempt + 1, step.queues, step.names) as text
      )
      select array_agg(t.id), array_agg(t.job), array_agg(t.charged), string_agg(t.text, '') into claimed_ids, claimed_jobs, charged, jobs
      from taken t;
      insert into pillion.batch (claim, worker, claimed_at, ids, jobs, done, charged, remaining)
      values (fence, step.worker, statement_timestamp(), claimed_ids, claimed_jobs, array_fill(false, array[cardinality(claimed_ids)]), charged,
        cardinality(claimed_ids));
    end if;
    if true = any (alone) then
      with kept as (
        update pillion.job j
        set state = 'running', attempt = j.attempt + 1, worker = step.worker, claim = fence, started_at = statement_timestamp(),
          prefetched = p.rank > step.free or j.lost > 0
        from unnest(picked, alone) with ordinality p(row, alone, rank)
        where j.ctid = p.row and p.alone
        returning pillion.claimed(j, j.attempt, step.queues, step.names) as text
      )
      select string_agg(k.text, '') into others from kept k;
    end if;
  end if;
  return concat('[', json_build_object('claim', fence::text, 'xid', pg_current_xact_id_if_assigned()::text, 'oldest', oldest::text, 'begun', begun, 'front', pg_sequence_last_value('pillion.position'),
    'closed', closed, 'charged', to_json(charged), 'busyBatches', busy_batches, 'lostBatches', lost_batches, 'busy', busy, 'lost', lost), jobs, others, ']');
end $$;
-- Gives jobs of batches rows of their own, as running, for whatever is to become of them other than completion. Answers
-- the claims that somebody else has locked at this moment.
create function pillion.unpack(claims bigint[], ids bigint[]) returns text[]
language plpgsql
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  unpacked bigint[];
begin
  with held as materialized (
    select b.* from (select distinct c as claim from unnest(unpack.claims) c) wanted
    cross join lateral (select b.* from pillion.batch b where b.claim = wanted.claim for update skip locked) b
  ), out as materialized (
    select h.claim as by_claim, h.worker as by_worker, h.claimed_at, h.charged[j.ordinality] as charged, j.*
    from held h cross join lateral unnest(h.jobs) with ordinality j
    where not h.done[j.ordinality] and (unpack.ids is null or j.id = any (unpack.ids))
  ), running as (
    insert into pillion.job (id, enqueued_xid, position, created_at, run_at, state, priority, version, attempt, max_attempts, queue, name,
      unique_key, partition_key, payload, headers, start_before, worker, claim, started_at, cancelled_at, lost, prefetched)
    overriding system value
    select o.id, o.enqueued_xid, o.position, o.created_at, o.run_at, 'running', o.priority, o.version, o.attempt + 1, o.max_attempts, o.queue, o.name,
      o.unique_key, o.partition_key, o.payload, o.headers, o.start_before, o.by_worker, o.by_claim, o.claimed_at,
      (select c.at from pillion.cancellation c where c.worker = o.by_worker and c.claim = o.by_claim and c.job = o.id), o.lost, not o.charged
    from out o
  ), uncancelled as (
    delete from pillion.cancellation c where c.ctid = any (array(
      select c.row from out o cross join lateral (
        select c.ctid as row from pillion.cancellation c where c.worker = o.by_worker and c.claim = o.by_claim and c.job = o.id
        for update skip locked) c))
  ), counted as (
    select h.claim, h.remaining, (select count(*) from out o where o.by_claim = h.claim) as gone,
      array(select e.done or unpack.ids is null or e.id = any (unpack.ids) from unnest(h.ids, h.done) e(id, done)) as done
    from held h
  ), emptied as (
    delete from pillion.batch b where b.claim = any (array(select c.claim from counted c where c.gone = c.remaining))
  ), changed as (
    update pillion.batch b set remaining = b.remaining - c.gone, done = c.done
    from counted c where b.claim = any (array(select c.claim from counted c where c.gone < c.remaining)) and c.claim = b.claim
  )
  select array_agg(claim) into unpacked from held;
  return array(select c::text from (select distinct c from unnest(unpack.claims) c) wanted
               cross join lateral (select from pillion.batch b where b.claim = c limit 1) locked
               where c <> all (coalesce(unpacked, '{}')));
end $$;
revoke execute on function pillion.unpack, pillion.claimed, pillion.step from public;

insert into pillion.migration (version, name) values (6, 'claim');
$pillion_6$;
  end if;

  if version_before < 7 then execute $pillion_7$
-- safe online: yes
--
-- Claims of queues in which limits or partition keys count.

-- How many jobs of a queue, or of one of its partition keys, may start now under a rate limit, and in how many
-- milliseconds another one may. Exact: of any stretch of that length, not of the clock's minutes.
create function pillion.allowed(queue text, partition_key text, rate_limit integer, rate_ms bigint, out jobs integer, out wait_ms bigint)
language plpgsql
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_bitmapscan = off
as $$
#variable_conflict use_variable
declare
  -- The time at which it is asked: its caller has waited for its turn, and may be behind the start of its statement.
  began constant timestamptz := clock_timestamp() - rate_ms * interval '1 millisecond';
begin
  select greatest(rate_limit - coalesce(sum(s.jobs), 0), 0), ceil(date_part('epoch', min(s.at) - began) * 1000)
    into jobs, wait_ms
  from pillion.start s where s.queue = allowed.queue and s.partition_key = allowed.partition_key and s.at > began;
end $$;

-- Claims jobs of one queue, so that at no moment more of them run, or have started of late, than its limits say. One
-- claim at a time: whoever finds another at it comes back later. What runs is counted by a statement that begins once
-- the lock is held, and so sees the claim before it.
-- Keys take turns, and each claim goes on behind the key that got the last job of the one before, in a circle; jobs without
-- a key are its last line. A key that may not start anything costs one look, however many jobs wait in it. In strict order
-- a key's first job is the only one looked at. 'end' says that the last key was looked at, 'whole' that every key was.
-- server_run, slots: from which claim on jobs may hold slots, as the last claim has told for that run of the server.
--   Numbers are drawn under the lock, so a later claim has a higher one, and what a complete count did not find below the
--   lowest that it found is never there again.
-- priorities, bounds: the lanes in which jobs without a key stand, each from a position on, as in step.
-- lines: where the jobs of each key stand, [key, whether the last claim found any, first positions by priority, first position
--   of other priorities], as the last claim has told. It tells where a look at each key from its beginning has read
--   much: mostly what has ended, and vacuum may not remove yet. Such a look, without lines, finds other keys, and what
--   appears behind these places.
create function pillion.claim_by_key(worker bigint, queue text, after text, names text[], versions integer[], most integer,
                                     server_run text, slots bigint, priorities smallint[], bounds bigint[],
                                     lines jsonb)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  keys_at_once constant integer := 200;
  settled  pillion.queue;
  free     integer := claim_by_key.most;
  rate     record;
  wait_ms  bigint;
  much     constant integer := 5000;
  goes_on  boolean;
  read     bigint;
  keys     text[];
  line_of  jsonb[];
  allowed  integer[] := '{}';
  run      text;
  running  integer;
  of_keys  jsonb;
  lowest   bigint;
  some_wait boolean;
  room     integer;
  share    integer;
  few      integer;
  ends     boolean;
  whole    boolean;
  -- After how many of `keys` the circle begins anew.
  behind   integer;
  last     bigint;
  cut      boolean;
  key      text;
  oldest   xid8;
  begun    bigint;
  fence    bigint;
  at       timestamptz;
  jobs     text;
  more     json;
  moved    jsonb;
  told     jsonb;
begin
  select * into settled from pillion.queue q where q.name = claim_by_key.queue;
  select r.id into run from pillion.server_run r where r.one;
  if run is null then
    perform pillion.begin_server_run();
  end if;
  if settled.paused_at is not null then
    return '[{"after":"","busy":false,"end":true,"whole":true}]';
  end if;
  if settled.limited then
    if not pg_try_advisory_xact_lock('pillion.queue'::regclass::oid::int4, hashtext(claim_by_key.queue)) then
      return json_build_array(json_build_object('after', claim_by_key.after, 'busy', true, 'end', true, 'whole', true));
    end if;
    if settled.fifo or num_nonnulls(settled.concurrency, settled.key_concurrency) > 0 then
      select coalesce(sum(t.jobs), 0), jsonb_object_agg(t.key, t.jobs) filter (where t.key is not null), min(t.lowest)
        into running, of_keys, lowest
      from (
        select j.partition_key as key, count(*) as jobs, min(j.claim) as lowest from pillion.job j
        where j.slot and j.queue = claim_by_key.queue and j.claim >= case when claim_by_key.server_run = run then claim_by_key.slots else 0 end
        group by j.partition_key
      ) t;
      some_wait := exists (select from pillion.job j where j.slot and j.claim is null and j.queue = claim_by_key.queue);
    end if;
    if settled.concurrency is not null then
      free := least(free, settled.concurrency - running);
      if some_wait and free > 0 then
        select count(*) into room from pillion.job j where j.slot and j.claim is null and j.queue = claim_by_key.queue;
        free := least(free, settled.concurrency - running - room);
      end if;
    end if;
    if settled.rate_limit is not null then
      rate := pillion.allowed(claim_by_key.queue, '', settled.rate_limit, settled.rate_ms);
      if rate.jobs < free then
        wait_ms := rate.wait_ms;
        free := rate.jobs;
      end if;
    end if;
    if free <= 0 then
      return json_build_array(json_build_object('after', claim_by_key.after, 'busy', false, 'end', true, 'whole', true, 'waitMs', wait_ms,
        'serverRun', run, 'slots', lowest));
    end if;
  end if;

  -- Seen before the jobs are, as in step.
  oldest := pg_snapshot_xmin(pg_current_snapshot());
  begun := pg_sequence_last_value('pillion.position');
  -- Strict order must see what appears behind a known place, too.
  goes_on := claim_by_key.lines is not null and settled.fifo is not true;
  if goes_on then
    select coalesce(array_agg(l.line ->> 0 order by l.behind, l.line ->> 0), '{}'), array_agg(l.line order by l.behind, l.line ->> 0),
        count(*) filter (where not l.behind)
      into keys, line_of, behind
    from (select line, line ->> 0 <= claim_by_key.after as behind from jsonb_array_elements(claim_by_key.lines) line) l;
    ends := true;
    whole := true;
  else
    read := pg_stat_get_xact_tuples_returned('pillion.job_line'::regclass);
    with recursive line(key, n) as (
      (select j.partition_key, 1 from pillion.job j
       where j.state = 'ready' and j.partition_key is not null and j.queue = claim_by_key.queue and j.partition_key > claim_by_key.after
       order by j.partition_key limit 1)
      union all
      select (select j.partition_key from pillion.job j
              where j.state = 'ready' and j.partition_key is not null and j.queue = claim_by_key.queue and j.partition_key > line.key
              order by j.partition_key limit 1), line.n + 1
      from line where line.key is not null and line.n < keys_at_once
    )
    select coalesce(array_agg(line.key order by line.n), '{}') into keys from line where line.key is not null;
    behind := cardinality(keys);
    ends := behind < keys_at_once;
    whole := ends;
    if ends and claim_by_key.after <> '' then
      with recursive line(key, n) as (
        (select j.partition_key, behind + 1 from pillion.job j
         where j.state = 'ready' and j.partition_key is not null and j.queue = claim_by_key.queue and j.partition_key <= claim_by_key.after
         order by j.partition_key limit 1)
        union all
        select (select j.partition_key from pillion.job j
                where j.state = 'ready' and j.partition_key is not null and j.queue = claim_by_key.queue
                  and j.partition_key > line.key and j.partition_key <= claim_by_key.after
                order by j.partition_key limit 1), line.n + 1
        from line where line.key is not null and line.n < keys_at_once
      )
      select keys || coalesce(array_agg(line.key order by line.n), '{}') into keys from line where line.key is not null;
      whole := cardinality(keys) < keys_at_once;
    end if;
  end if;

  if settled.fifo or settled.key_concurrency is not null or settled.key_rate_limit is not null then
    for place in 1 .. cardinality(keys) loop
      key := keys[place];
      room := least(free, case when settled.fifo then 1 else settled.key_concurrency end - coalesce((of_keys ->> key)::integer, 0));
      if room > 0 and some_wait then
        select room - count(*) into room from pillion.job j
        where j.slot and j.claim is null and j.queue = claim_by_key.queue and j.partition_key = key;
      end if;
      if settled.fifo and settled.fifo_on_dead = 'block' and exists (
          select from pillion.blocked_key b where b.queue = claim_by_key.queue and b.partition_key = key) then
        room := 0;
      end if;
      if room > 0 and settled.key_rate_limit is not null then
        rate := pillion.allowed(claim_by_key.queue, key, settled.key_rate_limit, settled.key_rate_ms);
        if rate.jobs < room then
          room := rate.jobs;
          if not goes_on or (line_of[place] ->> 1)::boolean then
            wait_ms := least(wait_ms, rate.wait_ms);
          end if;
        end if;
      end if;
      allowed := allowed || greatest(room, 0);
    end loop;
  else
    allowed := array_fill(free, array[cardinality(keys)]);
  end if;

  -- Of each line about as many as fall to it; what others leave over, the next claim takes.
  share := ceil(free::numeric / greatest((select count(*) from unnest(allowed, line_of) a(jobs, line)
    where a.jobs > 0 and (not goes_on or (a.line ->> 1)::boolean)) + (settled.limited is true and ends)::integer, 1));
  -- Of a key that had none lately fewer are looked for.
  few := ceil(free::numeric / greatest(cardinality(keys), 1));
  -- As in step: nobody waits until a claim is on disk, but for the first.
  if run is not null then
    perform set_config('synchronous_commit', 'off', true);
  end if;
  fence := nextval('pillion.claim');
  -- After what was counted, and so after the end of every job whose slot is free now.
  at := clock_timestamp();
  with candidate as materialized (
    select ready.row, ready.turn, 2 * k.place as place, ready.priority, ready.position
    from unnest(keys, allowed, line_of) with ordinality k(key, most, line, place)
    cross join lateral (
      select j.row, row_number() over () as turn, j.priority, j.position from (
        select j.ctid as row, j.priority, j.position from pillion.job j
        where not goes_on and settled.fifo is not true and j.state = 'ready' and j.partition_key is not null and j.queue = claim_by_key.queue
          and j.partition_key = k.key
          and case when (j.name, j.version) in (select h.name, h.version from unnest(claim_by_key.names, claim_by_key.versions) h(name, version)) then true end
        order by j.priority desc, j.position
        limit least(k.most, share)
        for update skip locked
      ) j
      union all
      select j.row, row_number() over () as turn, j.priority, j.position from (
        select j.* from generate_series(4, -4, -1) p(priority) cross join lateral (
          select j.ctid as row, j.priority, j.position from pillion.job j
          where goes_on and j.state = 'ready' and j.partition_key is not null and j.queue = claim_by_key.queue and j.partition_key = k.key
            and j.priority = p.priority and j.position >= coalesce(k.line -> 2 ->> p.priority::text, k.line ->> 3)::bigint
            and case when (j.name, j.version) in (select h.name, h.version from unnest(claim_by_key.names, claim_by_key.versions) h(name, version)) then true end
          order by j.position
          limit least(k.most, share)
          for update skip locked
        ) j
        limit least(k.most, case when (k.line ->> 1)::boolean then share else few end)
      ) j
      union all
      -- The first in strict order, whatever its priority and whoever can run it.
      select head.row, 1, head.priority, head.position from (
        select j.* from generate_series(-4, 4) p(priority) cross join lateral (
          select j.ctid as row, j.name, j.version, j.priority, j.position from pillion.job j
          where j.state = 'ready' and j.partition_key is not null and j.queue = claim_by_key.queue and j.partition_key = k.key
            and j.priority = p.priority
          order by j.position limit 1) j
        order by j.position limit 1
      ) head
      where settled.fifo is true and k.most > 0
        and case when (head.name, head.version) in (select h.name, h.version from unnest(claim_by_key.names, claim_by_key.versions) h(name, version)) then true end
    ) ready
    union all
    -- Jobs without a key stand in the lanes; where the queue has no limits, the other claim takes them.
    select ready.row, ready.turn, 2 * behind + 1, ready.priority, null from (
      select j.row, row_number() over () as turn, p.priority
      from unnest(claim_by_key.priorities, claim_by_key.bounds) p(priority, bound) cross join lateral (
        select j.ctid as row from pillion.job j
        where settled.limited is true and ends and j.state = 'ready' and j.partition_key is null and j.queue = claim_by_key.queue and j.priority = p.priority and j.position >= p.bound
          and case when (j.name, j.version) in (select h.name, h.version from unnest(claim_by_key.names, claim_by_key.versions) h(name, version)) then true end
        order by j.position
        limit share
        for update skip locked
      ) j
    ) ready
  ), found as materialized (
    select j.row, j.size, c.turn, c.place, c.priority, c.position from candidate c cross join lateral (
      select j.ctid as row, case when pg_column_size(j.payload) > 2000 then octet_length(j.payload::text) else 0 end as size
      from pillion.job j where j.ctid = c.row and j.state = 'ready' for update skip locked
    ) j
    order by c.turn, c.place
    limit free
  ), held as materialized (
    select f.row, f.place, f.priority, f.position, f.rank from (
      select f.row, f.place, f.priority, f.position, row_number() over so_far as rank, sum(f.size) over so_far as bytes
      from found f window so_far as (order by f.turn, f.place rows unbounded preceding)
    ) f
    where f.rank = 1 or f.bytes <= 8388608
  ), outcome as (
    select f.place, f.priority, sum(f.found) as found, sum(f.held) as held, min(f.position) as first, max(f.position) filter (where f.held = 1) as last
    from (
      select c.place, c.priority, c.position, 1 as found, 0 as held from candidate c
      union all select h.place, h.priority, h.position, 0, 1 from held h
    ) f
    group by f.place, f.priority
  ), taken as (
    update pillion.job j
    set state = 'running', attempt = j.attempt + 1, worker = claim_by_key.worker, claim = fence, started_at = at,
      slot = settled.limited is true, prefetched = j.lost > 0
    from held where j.ctid = held.row
    returning j.partition_key, pillion.claimed(j, j.attempt, array[claim_by_key.queue], claim_by_key.names) as job
  ), counted as (
    insert into pillion.start (queue, partition_key, at, jobs)
    select claim_by_key.queue, '', at, count(*) from taken where settled.rate_limit is not null having count(*) > 0
    union all
    select claim_by_key.queue, t.partition_key, at, count(*) from taken t
    where settled.key_rate_limit is not null and t.partition_key is not null group by t.partition_key
  )
  select (select string_agg(t.job, '') from taken t), (select h.place from held h order by h.rank desc limit 1),
      (select count(*) from found) >= free or (select count(*) from held) < (select count(*) from found),
      -- Lanes of which more was found than is taken, or may be there.
      (select json_agg(o.priority) from outcome o where o.place = 2 * behind + 1 and (o.found >= share or o.found > o.held)),
      -- Where to look next in a line: behind what was taken, or at what was found.
      (select jsonb_object_agg(m.place, m.positions) from (
        select o.place, jsonb_object_agg(o.priority, coalesce(o.last + 1, o.first)) as positions from outcome o
        where goes_on and o.place <> 2 * behind + 1 group by o.place
      ) m)
    into jobs, last, cut, more, moved;
  if goes_on then
    -- Of a key that was not looked at nothing new is known.
    select coalesce(jsonb_agg(jsonb_build_array(k.key, case when k.most > 0 then m.positions is not null else (k.line ->> 1)::boolean end,
      (k.line -> 2) || coalesce(m.positions, '{}'), k.line -> 3)), '[]') into told
    from unnest(keys, allowed, line_of) with ordinality k(key, most, line, place)
    cross join lateral (select moved -> (2 * k.place)::text as positions) m;
  elsif whole and settled.fifo is not true and pg_stat_get_xact_tuples_returned('pillion.job_line'::regclass) - read > much then
    select coalesce(jsonb_agg(jsonb_build_array(k.key, true, firsts.positions, coalesce(begun, 0))), '[]') into told
    from unnest(keys) k(key) cross join lateral (
      select coalesce(jsonb_object_agg(p.priority, j.position), '{}') as positions
      from generate_series(-4, 4) p(priority) cross join lateral (
        select j.position from pillion.job j
        where j.state = 'ready' and j.partition_key is not null and j.queue = claim_by_key.queue and j.partition_key = k.key
          and j.priority = p.priority
        order by j.position limit 1
      ) j
    ) firsts;
  end if;
  return concat('[', json_build_object('claim', fence::text, 'busy', false, 'waitMs', wait_ms, 'end', ends, 'whole', whole,
    -- Behind the last line is the beginning.
    'after', case when cut and last = 2 * behind + 1 then '' when cut and last is not null then keys[last / 2]
      when cardinality(keys) = keys_at_once then keys[keys_at_once] else '' end,
    'serverRun', run, 'slots', coalesce(lowest, fence), 'lines', told, 'lanes', case when settled.limited and ends then json_build_object(
      'oldest', oldest::text, 'xid', pg_current_xact_id_if_assigned()::text, 'begun', begun,
      'front', pg_sequence_last_value('pillion.position'), 'unread', coalesce(more, '[]')) end), jobs, ']');
end $$;
revoke execute on function pillion.allowed, pillion.claim_by_key from public;

insert into pillion.migration (version, name) values (7, 'limits');
$pillion_7$;
  end if;

  if version_before < 8 then execute $pillion_8$
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

insert into pillion.migration (version, name) values (8, 'upkeep');
$pillion_8$;
  end if;

  if version_before < 9 then execute $pillion_9$
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

insert into pillion.migration (version, name) values (9, 'verbs');
$pillion_9$;
  end if;

  if version_before < 10 then execute $pillion_10$
-- safe online: yes
--
-- Fan-out: a publication makes one job for each job type that has subscribed to its topic.

-- Who gets a job of each publication, and of what kind.
create table pillion.subscription (
  topic         text not null,
  name          text not null,
  version       integer not null,
  queue         text not null,
  priority      smallint not null check (priority between -4 and 4),
  max_attempts  integer not null,
  created_at    timestamptz not null default statement_timestamp(),
  primary key (topic, name)
);

-- One job for each subscription of the topic: [{"name", "queue", "id", "created", "state"}], by name, beside "xid".
-- options: what enqueue_keyed takes of one job besides its name, payload, version and queue, already checked.
create function pillion.publish(topic text, payload json, options json default '{}', guarded boolean default false,
                                pin text default null, now timestamptz default null)
returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  jobs json;
begin
  if pin <> pg_current_xact_id()::text then
    return null;
  end if;
  perform pillion.guard_verb('publish', guarded);
  select json_agg(json_build_object('name', s.name, 'version', s.version, 'queue', s.queue, 'maxAttempts', s.max_attempts,
      'priority', coalesce((options ->> 'priority')::smallint, s.priority), 'payload', payload, 'headers', options -> 'headers',
      'runAt', options ->> 'runAt', 'delayMs', options -> 'delayMs', 'startBefore', options ->> 'startBefore',
      'onConflict', options ->> 'onConflict', 'partitionKey', options ->> 'partitionKey',
      'uniqueKey', options ->> 'uniqueKey', 'uniqueUntil', options ->> 'uniqueUntil', 'periodMs', options -> 'periodMs')
    order by s.name collate "C") into jobs
  from pillion.subscription s where s.topic = publish.topic;
  return json_build_object('xid', pg_current_xact_id()::text, 'jobs', coalesce((
    select json_agg(json_build_object('name', jobs -> (e.ordinal::integer - 1) ->> 'name',
      'queue', jobs -> (e.ordinal::integer - 1) ->> 'queue', 'id', e.id::text, 'created', e.created, 'state', e.state) order by e.ordinal)
    from pillion.enqueue_keyed(coalesce(jobs, '[]'), false, null, publish.now) e), '[]'))::text;
end $$;

revoke execute on function pillion.publish from public;

insert into pillion.migration (version, name) values (10, 'topics');
$pillion_10$;
  end if;

  if version_before < 11 then execute $pillion_11$
-- safe online: yes
--
-- Jobs that are enqueued again and again. Any worker fires any schedule: nobody is in charge.

create table pillion.schedule (
  name           text primary key check (octet_length(name) between 1 and 128),
  -- Its slots: those of a cron line in a time zone, or every whole multiple of a number of milliseconds since 1970.
  cron           text,
  time_zone      text,
  every_ms       bigint check (every_ms >= 100),
  -- What becomes of slots that nobody could fire in time: 'skip', or 'runOnce' for all of them together.
  missed         text not null default 'runOnce' check (missed in ('skip', 'runOnce')),
  -- The job of each slot.
  job_name       text not null,
  version        integer not null default 1 check (version >= 1),
  queue          text not null default 'default',
  priority       smallint not null default 0 check (priority between -4 and 4),
  max_attempts   integer check (max_attempts >= 1),
  partition_key  text,
  payload        jsonb not null,
  headers        jsonb check (jsonb_typeof(headers) = 'object'),
  -- Every slot up to this time has been dealt with. Whoever enqueues the job of a slot moves it in the same statement,
  -- if it still is where they saw it: so no slot has two jobs.
  passed         timestamptz not null default statement_timestamp(),
  -- Grows with every other change: what was worked out from an older row moves nothing.
  revision       integer not null default 1,
  -- When it is to be looked at; null for at once. A hint: slots follow from passed.
  due_at         timestamptz,
  last_slot      timestamptz,
  paused_at      timestamptz,
  -- Who said so last: the options of a worker, or a call at run time.
  source         text not null default 'runTime' check (source in ('code', 'runTime')),
  created_at     timestamptz not null default statement_timestamp(),
  updated_at     timestamptz not null default statement_timestamp(),
  check ((cron is null) <> (every_ms is null)),
  check ((cron is null) = (time_zone is null))
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
create index schedule_due on pillion.schedule (due_at nulls first) where paused_at is null;

insert into pillion.migration (version, name) values (11, 'schedules');
$pillion_11$;
  end if;

  if version_before < 12 then execute $pillion_12$
-- safe online: yes
--
-- Finished jobs and attempts lie in partitions, one for each day on which they may go; a partition whose day has come
-- is dropped whole. Nothing is deleted row by row, and nobody ever waits for the DDL: it takes a lock at once or
-- within a tenth of a second, or leaves the work for the next call.

-- The partitions of archive or attempt, and the days of each.
create function pillion.kept(parent regclass) returns table (part regclass, day date)
language sql stable set search_path = pg_catalog, pg_temp set datestyle = 'ISO' as $$
  select i.inhrelid, d.day[1]::date
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
  cross join lateral regexp_matches(pg_get_expr(c.relpartbound, c.oid), '[0-9]{4}-[0-9]{2}-[0-9]{2}', 'g') d(day)
  where i.inhparent = parent
$$;

-- The days that what ends from `at` on, until two days later, will be kept to, whichever its queue.
create function pillion.days_ahead(parent regclass, at timestamptz) returns setof date
language sql stable set search_path = pg_catalog, pg_temp as $$
  with settings as (
    select null::pillion.queue as settled
    union all
    select q from pillion.queue q where coalesce(q.keep_completed_ms, q.keep_dead_ms, q.keep_cancelled_ms) is not null
  ), ends as (
    select at + n * interval '1 day' as at from generate_series(0, 2) n
  )
  select distinct pillion.keep_until(s.settled, state, e.at)
  from settings s, ends e, unnest(array['completed', 'dead', 'cancelled']::pillion.job_state[]) state
  where parent = 'pillion.archive'::regclass
  union
  select distinct pillion.keep_attempt_until(s.settled, e.at) from settings s, ends e
  where parent = 'pillion.attempt'::regclass
$$;

-- Whether one and the same transaction holds a table for longer than a moment: a dump, a report. We then do not even
-- queue for our lock, because every other statement would queue behind us.
create function pillion.held_for_long(held regclass) returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  holders text[];
begin
  for look in 1..2 loop
    select array_agg(l.virtualtransaction) into holders
    from pg_locks l join pg_database d on d.oid = l.database
    where d.datname = current_database() and l.relation = held and l.granted
      and l.pid is distinct from pg_backend_pid() and (look = 1 or l.virtualtransaction = any (holders));
    exit when holders is null;
    if look = 1 then
      perform pg_sleep(0.05);
    end if;
  end loop;
  return holders is not null;
end $$;

-- The name of a table for a day, which no table has: somebody may have detached one to keep it.
create function pillion.free_name(parent regclass, day date) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  schema constant text := relnamespace::regnamespace from pg_class where oid = parent;
  free   text := relname || to_char(day, '_YYYYMMDD') from pg_class where oid = parent;
begin
  while to_regclass(format('%s.%I', schema, free)) is not null loop
    free := free || '_2';
  end loop;
  return free;
end $$;

-- Makes partitions for the days ahead that have none, the nearest first. Attaching one locks its parent against
-- other DDL only, and looks through the default partition, which is empty but for accidents.
create function pillion.make_days(parent regclass, at timestamptz, most_bytes bigint, inout done text[], inout put_off text[])
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '100ms' set datestyle = 'ISO' as $$
declare
  schema constant text := relnamespace::regnamespace from pg_class where oid = parent;
  kind   constant text := relname from pg_class where oid = parent;
  wanted date;
  part   text;
begin
  -- Attaching would look through all of it.
  if pg_table_size(format('%s.%I', schema, kind || '_default')::regclass) > most_bytes then
    return;
  end if;
  for wanted in
    select a.day from pillion.days_ahead(parent, at) a(day)
    where a.day not in (select k.day from pillion.kept(parent) k)
    order by a.day limit 8
  loop
    part := pillion.free_name(parent, wanted);
    begin
      if pillion.held_for_long(format('%s.%I', schema, kind || '_default')::regclass) then
        raise lock_not_available using message = 'somebody has the default partition open';
      end if;
      execute format('create table %s.%I (like %s including defaults including constraints including storage including compression)',
                     schema, part, parent);
      execute format('alter table %s attach partition %s.%I for values in (%L)', parent, schema, part, wanted);
      done := done || part;
    exception when lock_not_available or deadlock_detected or check_violation then
      put_off := put_off || format('make %s: %s', part, sqlerrm);
      exit;
    end;
  end loop;
end $$;

-- What lies in the default partition came before its day's partition was made: after a change of settings, or where
-- nobody had called keep for long. Its table becomes the partition of the days in it, and an empty one the default.
-- That reads it under lock, so a table of more than `most_bytes` is left alone.
create function pillion.empty_default(parent regclass, most_bytes bigint, inout done text[], inout put_off text[])
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '100ms' set datestyle = 'ISO' as $$
declare
  schema constant text := relnamespace::regnamespace from pg_class where oid = parent;
  kind   constant text := relname from pg_class where oid = parent;
  rest   constant text := format('%s.%I', schema, kind || '_default');
  days   date[];
  part   text;
  filled boolean;
begin
  execute format('select exists (select from %s)', rest) into filled;
  if not filled then
    return;
  elsif pg_table_size(rest::regclass) > most_bytes then
    put_off := put_off || format('empty %s_default: it has %s; call keep with a larger most_bytes in a quiet hour', kind,
                                 pg_size_pretty(pg_table_size(rest::regclass)));
    return;
  elsif pillion.held_for_long(parent) or pillion.held_for_long(rest::regclass) then
    put_off := put_off || format('empty %s_default: somebody has the table open', kind);
    return;
  end if;
  execute format('lock table only %s, only %s in access exclusive mode', parent, rest);
  execute format('select array_agg(distinct keep_until order by keep_until) from %s', rest) into days;
  part := pillion.free_name(parent, days[cardinality(days)]);
  execute format('alter table %s detach partition %s', parent, rest);
  execute format('alter table %s rename to %I', rest, part);
  execute format('alter table %s attach partition %s.%I for values in (%s)', parent, schema, part,
                 (select string_agg(quote_literal(d), ', ') from unnest(days) d));
  execute format('create table %s (like %s including defaults including constraints including storage including compression)', rest, parent);
  execute format('alter table %s attach partition %s default', parent, rest);
  done := done || part;
exception when lock_not_available or deadlock_detected then
  put_off := put_off || format('empty %s_default: %s', kind, sqlerrm);
end $$;

-- Drops the partition that has been past for longest.
create function pillion.drop_past(parent regclass, at timestamptz, inout done text[], inout put_off text[])
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '100ms' as $$
declare
  past  regclass;
  title text;
begin
  select k.part, c.relname into past, title from pillion.kept(parent) k join pg_class c on c.oid = k.part
  group by k.part, c.relname having max(k.day) <= (at at time zone 'UTC')::date
  order by max(k.day) limit 1;
  if past is null then
    return;
  elsif pillion.held_for_long(parent) then
    put_off := put_off || format('drop %s: somebody has the table open', title);
    return;
  end if;
  execute format('drop table %s', past);
  done := done || title;
exception when lock_not_available or deadlock_detected then
  put_off := put_off || format('drop %s: %s', title, sqlerrm);
end $$;

-- Keeps the partitions of archive and attempt: makes at most eight of each that will be needed within two days, drops
-- at most one of each that is past. Every worker calls it once a minute; one at a time does the work. Answers the
-- names of what was made and dropped, and what it left for the next call, and why.
create function pillion.keep(now timestamptz default null, most_bytes bigint default 67108864)
returns table (made text[], dropped text[], put_off text[])
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  at     constant timestamptz := coalesce(now, statement_timestamp());
  parent regclass;
begin
  made := '{}';
  dropped := '{}';
  put_off := '{}';
  if pg_try_advisory_xact_lock('pillion.archive'::regclass::oid::int4, 0) then
    foreach parent in array array['pillion.archive', 'pillion.attempt']::regclass[] loop
      select e.done, e.put_off into made, put_off from pillion.empty_default(parent, most_bytes, made, put_off) e;
      select m.done, m.put_off into made, put_off from pillion.make_days(parent, at, most_bytes, made, put_off) m;
      select d.done, d.put_off into dropped, put_off from pillion.drop_past(parent, at, dropped, put_off) d;
    end loop;
  else
    put_off := array['all: another connection is at it'];
  end if;
  return next;
end $$;

-- Where a queue's settings change, the partitions that they need are made in the COMMIT which makes them known.
create function pillion.settings_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  -- The same lock as keep's, so that two sessions never make the same table.
  perform pg_advisory_xact_lock('pillion.archive'::regclass::oid::int4, 0);
  perform pillion.make_days('pillion.archive', statement_timestamp(), 67108864, '{}', '{}');
  perform pillion.make_days('pillion.attempt', statement_timestamp(), 67108864, '{}', '{}');
  return null;
end $$;
create constraint trigger settings_changed
  after insert or update of keep_completed_ms, keep_dead_ms, keep_cancelled_ms on pillion.queue
  deferrable initially deferred for each row
  when (coalesce(new.keep_completed_ms, new.keep_dead_ms, new.keep_cancelled_ms) is not null)
  execute function pillion.settings_changed();

revoke execute on function pillion.kept, pillion.days_ahead, pillion.held_for_long, pillion.free_name, pillion.make_days, pillion.empty_default,
  pillion.drop_past, pillion.keep, pillion.settings_changed from public;

insert into pillion.migration (version, name) values (12, 'retention');
$pillion_12$;
  end if;

  if version_before < 13 then execute $pillion_13$
-- safe online: yes
--
-- What handlers do in the application's own transactions. Functions with their owner's rights: whoever writes an
-- invoice need not be able to write jobs.

-- Completes an attempt in the caller's transaction, as the last thing before its COMMIT: what the handler has written
-- and the job's end become one. Fenced by the claim. The job has a row of its own; no other row is touched. Waits for
-- nobody: answers 'done'; 'busy' where somebody else has the job's row locked at this moment; 'lost' where another
-- attempt, or nobody, has the job.
create function pillion.complete(id bigint, claim bigint, started_ms integer, result jsonb) returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  ended pillion.job;
begin
  -- A statement that stands alone begins when its transaction does.
  if transaction_timestamp() = statement_timestamp() then
    raise exception using
      errcode = 'no_active_sql_transaction',
      message = format('pillion: job %s was not completed, because the statement ran outside a transaction', complete.id),
      hint = 'It is sent by a transactional handler, on the connection of the transaction that it was given.';
  end if;
  delete from pillion.job j
  where j.ctid = any (array(select j.ctid from pillion.job j where j.id = complete.id and j.claim = complete.claim for update skip locked))
  returning j.* into ended;
  if not found then
    return case when exists (select from pillion.job j where j.id = complete.id and j.claim = complete.claim) then 'busy' else 'lost' end;
  end if;
  insert into pillion.archive (id, queue, name, version, priority, attempt, max_attempts, created_at, run_at, start_before, started_at,
    worker, unique_key, partition_key, enqueued_xid, parent, payload, headers, state, finished_at, result, keep_until)
  select ended.id, ended.queue, ended.name, ended.version, ended.priority, ended.attempt, ended.max_attempts, ended.created_at, ended.run_at,
    ended.start_before, ended.started_at + complete.started_ms * interval '1 millisecond', ended.worker, ended.unique_key, ended.partition_key,
    ended.enqueued_xid, ended.parent, ended.payload, ended.headers, 'completed', statement_timestamp(), complete.result,
    pillion.keep_until((select q from pillion.queue q where q.name = ended.queue), 'completed', statement_timestamp());
  if ended.slot then
    perform pillion.wake(ended.queue);
  end if;
  return 'done';
end $$;

-- Whether whoever calls sees the jobs table of this worker, and not that of another database.
create function pillion.sees(worker bigint, nonce uuid) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select exists (select from pillion.worker w where w.id = sees.worker and w.nonce = sees.nonce)
$$;
revoke execute on function pillion.complete, pillion.sees from public;

insert into pillion.migration (version, name) values (13, 'effects');
$pillion_13$;
  end if;

  if version_before < 14 then execute $pillion_14$
-- safe online: yes
--
-- What is to be done once, however often it is asked for: a request handler, a webhook. The call and its answer are part
-- of the caller's transaction.

-- A call from its first transaction on, with what it answered. What is not committed is seen by nobody else: another
-- call with the same key waits at the primary key.
create table pillion.idempotency (
  scope       text not null,
  key         text not null,
  -- The transaction that works the answer out, or has.
  xid         xid8 not null,
  answered    boolean not null default false,
  -- Null also where the answer is nothing.
  answer      json,
  expires_at  timestamptz not null,
  primary key (scope, key)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
create index idempotency_expiry on pillion.idempotency (expires_at);

-- Begins a call. Waits for a call with this key that has not committed. Answers {"xid", "found", "answer"}, `found`
-- being 'nothing': the caller has the key from now on, and is to answer; 'answer'; or 'itself': this very transaction
-- is still working it out. An answer is read without a lock: those who ask for it do not wait for one another. With a
-- pin, nothing happens in any other transaction, and null is the answer.
create function pillion.begin_once(scope text, key text, keep_ms float8, guarded boolean default false, pin text default null,
                                   now timestamptz default null)
returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  at    constant timestamptz := coalesce(now, statement_timestamp());
  until constant timestamptz := at + begin_once.keep_ms * interval '1 millisecond';
  held  pillion.idempotency;
begin
  if pin <> pg_current_xact_id()::text then
    return null;
  end if;
  perform pillion.guard_verb('idempotent', guarded);
  loop
    insert into pillion.idempotency (scope, key, xid, expires_at)
    values (begin_once.scope, begin_once.key, pg_current_xact_id(), until)
    on conflict do nothing;
    exit when found;
    select i.* into held from pillion.idempotency i where i.scope = begin_once.scope and i.key = begin_once.key;
    -- Another had it, and has rolled back or freed it.
    continue when not found;
    if held.answered and held.expires_at > at then
      return json_build_object('xid', pg_current_xact_id()::text, 'found', 'answer', 'answer', held.answer, 'empty', held.answer is null)::text;
    end if;
    if held.xid = pg_current_xact_id() and not held.answered then
      return json_build_object('xid', pg_current_xact_id()::text, 'found', 'itself')::text;
    end if;
    -- It has expired; or its transaction was committed before it had an answer, and nobody works one out any more.
    update pillion.idempotency i set xid = pg_current_xact_id(), answered = false, answer = null, expires_at = until
    where i.scope = begin_once.scope and i.key = begin_once.key and i.xid = held.xid and i.answered = held.answered;
    exit when found;
  end loop;
  return json_build_object('xid', pg_current_xact_id()::text, 'found', 'nothing')::text;
end $$;

-- Ends a call of this transaction: with its answer; or, where it has none, so that the key is free again. False where
-- this transaction has begun none.
create function pillion.end_once(scope text, key text, answered boolean, answer json) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  if end_once.answered then
    update pillion.idempotency i set answered = true, answer = end_once.answer
    where i.scope = end_once.scope and i.key = end_once.key and i.xid = pg_current_xact_id();
  else
    delete from pillion.idempotency i
    where i.scope = end_once.scope and i.key = end_once.key and i.xid = pg_current_xact_id() and not i.answered;
  end if;
  return found;
end $$;

revoke execute on function pillion.begin_once, pillion.end_once from public;

insert into pillion.migration (version, name) values (14, 'idempotency');
$pillion_14$;
  end if;

  if version_before < 15 then execute $pillion_15$
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

insert into pillion.migration (version, name) values (15, 'steps');
$pillion_15$;
  end if;

  if version_before < 16 then execute $pillion_16$
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

insert into pillion.migration (version, name) values (16, 'testing');
$pillion_16$;
  end if;

  if version_before < 17 then execute $pillion_17$
-- safe online: yes
--
-- What is told of finished jobs. They have no index by time, which every completion would have to pay for: rows are
-- written in the order in which jobs end, so that the page at which a stretch of time begins is found by halving, and
-- what has ended since lies behind it. Where that is more than is read at once, evenly spread parts of it are read, and
-- stand for the whole. What fills the gap of a job that was brought back may be missed.

-- The first page of a partition with what has ended at `since` or later, or a few before it; null where nothing has, as in
-- most of them: their last pages say so.
create function pillion.first_page(part regclass, since timestamptz, brought_back boolean) returns bigint
language plpgsql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off set datestyle = 'ISO' as $$
declare
  -- Pages beside each other: those who write at the same time have one each.
  newest_of constant text := format('select max(finished_at) from %s where ctid >= format(''(%%s,0)'', $1)::tid and ctid < format(''(%%s,0)'', $2)::tid', part);
  low    bigint := 0;
  high   bigint := pg_relation_size(part) / current_setting('block_size')::bigint;
  middle bigint;
  newest timestamptz;
begin
  execute newest_of using greatest(high - 64, 0), high into newest;
  if high = 0 or newest < since then
    return null;
  end if;
  while low < high loop
    middle := (low + high) / 2;
    -- What is written late says nothing of when it is.
    execute newest_of || case when brought_back then ' and outcome not in (''completed'', ''dead'', ''cancelled'')' else '' end
    using middle, middle + 8 into newest;
    if newest < since then
      low := middle + 1;
    else
      high := middle;
    end if;
  end loop;
  return greatest(low - 64, 0);
exception when undefined_table or syntax_error then
  -- It has been dropped meanwhile: its name is a number then. What was read once is locked until the end.
  return null;
end $$;

-- What has become of jobs: for each queue in which anything has ended or failed since then, a row for each stretch of
-- `bucket_seconds` of the last `minutes`, the oldest whole. Of each table's partition at most `most_pages` pages are read.
-- completed, dead: how many jobs have ended so. failed: how many attempts have failed that were not a job's last.
-- wait_p50 and the like: in ms, of the last attempt of jobs that have completed or are dead; waiting is from when it may run.
-- seconds: how much of the stretch has passed. sampled: the counts are estimates, from a part of the rows.
create function pillion.throughput(queue text, minutes integer, bucket_seconds integer, now timestamptz default null, most_pages integer default 704)
returns table (name text, at timestamptz, seconds float8, completed bigint, failed bigint, dead bigint, wait_p50 float8, wait_p95 float8,
  run_p50 float8, run_p95 float8, sampled boolean)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off set datestyle = 'ISO'
as $$
#variable_conflict use_column
declare
  until    constant timestamptz := coalesce(throughput.now, statement_timestamp());
  width    constant interval := throughput.bucket_seconds * interval '1 second';
  since    constant timestamptz := date_bin(width, until - throughput.minutes * interval '1 minute', '2000-01-01Z');
  parent   regclass;
  part     regclass;
  first    bigint;
  pages    bigint;
  partly   boolean := false;
  reads    text[] := '{}';
begin
  foreach parent in array array['pillion.archive', 'pillion.attempt']::regclass[] loop
    for part in select i.inhrelid::regclass from pg_inherits i where i.inhparent = parent loop
      first := pillion.first_page(part, since, parent = 'pillion.attempt'::regclass);
      pages := pg_relation_size(part) / current_setting('block_size')::bigint - first;
      continue when (pages > 0) is not true;
      partly := partly or pages > most_pages;
      reads := reads || array(
        select format($read$select %L as part, %s as stretch, queue, finished_at, %s, %s::float8 as weight from %s
            where ctid >= '(%s,0)' and %s and ($3 is null or queue = $3)$read$,
          part::oid, case when pages > most_pages then n::text else 'null::integer' end,
          case parent when 'pillion.archive'::regclass then $columns$state::text as outcome, false as late,
            date_part('epoch', started_at - greatest(run_at, created_at)) * 1000 as wait, date_part('epoch', finished_at - started_at) * 1000 as run$columns$
          else $columns$outcome, outcome in ('completed', 'dead', 'cancelled'), null, null$columns$ end,
          case when pages > most_pages then pages / (64.0 * (most_pages / 64)) else 1 end, part, first + n * pages / 64,
          case when pages > most_pages then format($where$ctid < '(%s,0)'$where$, first + n * pages / 64 + most_pages / 64)
          else 'finished_at >= $1 and finished_at < $2' end)
        from generate_series(0, case when pages > most_pages then 63 else 0 end) n);
    end loop;
  end loop;
  if cardinality(reads) = 0 then
    return;
  end if;
  return query execute format($told$
    with read as materialized (
      %s
    ), begun as (
      select part, stretch, min(finished_at) as at from read where stretch is not null and not late group by part, stretch
    ), spans as (
      select part, stretch, at, greatest(lead(at, 1, $2) over (partition by part order by stretch) - at, '0') as length from begun
    ), spread as (
      -- What was read of a stretch stands for all that ended until the next one begins.
      select r.queue, s.at + s.length * ((row_number() over each - 1)::float8 / count(*) over (partition by r.part, r.stretch)) as at,
        r.outcome, r.wait, r.run, r.weight
      from read r join spans s using (part, stretch) where not r.late
      window each as (partition by r.part, r.stretch order by r.finished_at)
      union all
      select queue, finished_at, outcome, wait, run, weight from read where stretch is null or late
    ), ended as (
      select queue, date_bin($4, at, $1) as at, outcome, case when outcome in ('completed', 'dead') then wait end as wait,
        case when outcome in ('completed', 'dead') then run end as run, weight
      from spread where outcome in ('completed', 'dead', 'failed', 'lost') and at >= $1 and at < $2
    ), counted as (
      select queue, at, round(sum(weight) filter (where outcome = 'completed'))::bigint as completed,
        round(sum(weight) filter (where outcome in ('failed', 'lost')))::bigint as failed,
        round(sum(weight) filter (where outcome = 'dead'))::bigint as dead,
        percentile_cont(array[0.5, 0.95]) within group (order by wait) as wait,
        percentile_cont(array[0.5, 0.95]) within group (order by run) as run
      from ended group by queue, at
    )
    select q.queue, b.at, date_part('epoch', least(b.at + $4, $2) - b.at), coalesce(c.completed, 0), coalesce(c.failed, 0), coalesce(c.dead, 0),
      c.wait[1], c.wait[2], c.run[1], c.run[2], $5
    from (select distinct queue from counted) q
    cross join generate_series($1, $2 - interval '1 microsecond', $4) b(at)
    left join counted c on c.queue = q.queue and c.at = b.at
    order by q.queue collate "C", b.at$told$, array_to_string(reads, ' union all '))
  using since, until, throughput.queue, width, partly;
end $$;

-- The newest jobs that a filter matches, at a cost that does not grow with how many there are: it goes through the jobs
-- before `before` by their ids, and stops after `looks` of them, or after `ms`, whatever it has found by then.
-- filter: {ids?, queue?, name?, state?, uniqueKey?, partitionKey?, headers?}. Only tables that can hold such jobs are gone through:
-- of those that are dead or cancelled there is an index, and of those that run.
-- go_on: the `before` with which to go on; null where there is nothing behind it. looked: how many were gone through, and
-- back_to: when the last of them was enqueued. complete: false where it stopped before it had `most`.
create function pillion.look_through(filter jsonb, before bigint, most integer, looks integer, ms integer)
returns table (ids bigint[], go_on bigint, looked integer, back_to timestamptz, complete boolean)
language plpgsql stable
set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
declare
  all_states constant pillion.job_state[] := enum_range(null::pillion.job_state);
  wanted record;
  states pillion.job_state[];
  fits   text;
  within text;
  span   text;
  parts  text[] := '{}';
  job    record;
  began  constant timestamptz := clock_timestamp();
begin
  select f.*, case when filter -> 'ids' <> 'null' then array(select jsonb_array_elements_text(filter -> 'ids')::bigint) end as ids into wanted
  from jsonb_to_record(filter) as f("queue" text, "name" text, "uniqueKey" text, "partitionKey" text, "headers" jsonb, "state" jsonb);
  states := coalesce((select array_agg(s::pillion.job_state) from jsonb_array_elements_text(nullif(wanted.state, 'null')) s), all_states);
  -- Only what the filter names is read.
  fits := concat_ws(' and ', 'true',
    case when wanted.queue is not null then 't.queue = $4' end, case when wanted.name is not null then 't.name = $5' end,
    case when wanted."uniqueKey" is not null then 't.unique_key = $6' end,
    case when wanted."partitionKey" is not null then 't.partition_key = $7' end,
    case when wanted.headers is not null then 't.headers @> $8' end);
  span := case when wanted.ids is null then 't.id < $1' else 't.id < $1 and t.id = any ($9)' end;
  within := fits || case when states @> all_states then '' else ' and t.state = any ($3)' end;
  if states && '{scheduled,ready}' then
    parts := parts || format('(select t.id, %s as fits from pillion.job t where %s order by t.id desc)', within, span);
  elsif 'running' = any (states) then
    parts := parts || format('(select t.id, %s as fits from pillion.job t where t.state = ''running'' and %s order by t.id desc)', fits, span);
  end if;
  if 'running' = any (states) then
    parts := parts || format('(select t.id, %s as fits from pillion.batch b cross join lateral unnest(b.jobs) with ordinality t
      where not b.done[t.ordinality] and %s order by t.id desc)', fits, span);
  end if;
  if 'completed' = any (states) then
    parts := parts || format('(select t.id, %s as fits from pillion.archive t where %s order by t.id desc)', within, span);
  else
    parts := parts || array(
      select format('(select t.id, %s as fits from pillion.archive t where t.state = %L and %s order by t.id desc)', fits, s, span)
      from unnest(states) s where s in ('dead', 'cancelled'));
  end if;
  ids := '{}';
  looked := 0;
  complete := true;
  for job in execute format('select t.id, t.fits from (%s) t order by t.id desc limit $2', array_to_string(parts, ' union all '))
  using coalesce(before, 9223372036854775807), looks, states, wanted.queue, wanted.name, wanted."uniqueKey", wanted."partitionKey", wanted.headers, wanted.ids
  loop
    looked := looked + 1;
    go_on := job.id;
    if job.fits then
      ids := ids || job.id;
      exit when cardinality(ids) = most;
    end if;
    complete := not (looked = looks or looked % 500 = 0 and clock_timestamp() > began + ms * interval '1 millisecond');
    exit when not complete;
  end loop;
  back_to := coalesce((select j.created_at from pillion.job j where j.id = go_on), (select a.created_at from pillion.archive a where a.id = go_on limit 1),
    (select t.created_at from pillion.batch b cross join lateral unnest(b.jobs) t where t.id = go_on limit 1));
  if complete and cardinality(ids) < most then
    go_on := null;
  end if;
  return next;
end $$;

-- The newest dead jobs of a queue or a name, `most` at most, with the beginning of what their errors say; of all dead jobs the
-- newest `looks` are gone through. more: there are older ones. Where none matches, one row says that alone.
create function pillion.newest_dead(of_queue text, of_name text, looks integer, most integer)
returns table (id bigint, name text, queue text, finished_at timestamptz, error_name text, message text, more boolean)
language sql stable
set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
  select d.id, d.name, d.queue, d.finished_at, coalesce(d.error ->> 'name', ''), left(d.error ->> 'message', 200), m.more
  from (select exists (select from pillion.archive a where a.state = 'dead' order by a.id desc offset looks) as more) m
  left join lateral (
    select * from (
      select a.id, a.name, a.queue, a.finished_at, a.error from pillion.archive a where a.state = 'dead' order by a.id desc limit looks) t
    where (of_queue is null or t.queue = of_queue) and (of_name is null or t.name = of_name)
    order by t.id desc limit most) d on true
$$;

-- Every queue that has settings, a living worker, or jobs that are ready, run, are dead, or are among the next to be due.
-- ready: stops at 10,000, or in more than 20 queues at their share of 200,000; ready_more: there are more. running: of 10,000.
-- scheduled: of the 10,000 that are due next. dead: of the newest 10,000. oldest_at: of each priority the first in line, and of
-- each of 200 partition keys.
create function pillion.queue_depths()
returns table (name text, ready bigint, ready_more boolean, running bigint, scheduled bigint, dead bigint, oldest_at timestamptz)
language sql stable
set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
  with recursive lane as (
    (select j.queue from pillion.job j where j.state = 'ready' and j.partition_key is null order by j.queue limit 1)
    union all
    select (select j.queue from pillion.job j where j.state = 'ready' and j.partition_key is null and j.queue > lane.queue
            order by j.queue limit 1)
    from lane where lane.queue is not null
  ), line as (
    (select j.queue from pillion.job j where j.state = 'ready' and j.partition_key is not null order by j.queue limit 1)
    union all
    select (select j.queue from pillion.job j where j.state = 'ready' and j.partition_key is not null and j.queue > line.queue
            order by j.queue limit 1)
    from line where line.queue is not null
  ), waiting as materialized (
    select w.queue, least(10000, 200000 / count(*) over ()) as most
    from (select queue from lane where queue is not null union select queue from line where queue is not null) w
  ), ready as materialized (
    select w.queue, least(r.jobs, w.most) as jobs, r.jobs > w.most as more, o.at
    from waiting w
    cross join lateral (
      select count(*) as jobs from (
        (select from pillion.job j where j.state = 'ready' and j.partition_key is null and j.queue = w.queue limit w.most + 1)
        union all
        (select from pillion.job j where j.state = 'ready' and j.partition_key is not null and j.queue = w.queue limit w.most + 1)) j) r
    cross join lateral (
      with recursive first as (
        (select j.partition_key, j.run_at, 1 as n from pillion.job j where j.state = 'ready' and j.partition_key is not null and j.queue = w.queue
         order by j.partition_key, j.priority desc, j.position limit 1)
        union all
        select next.partition_key, next.run_at, first.n + 1 from first cross join lateral (
          select j.partition_key, j.run_at from pillion.job j
          where j.state = 'ready' and j.partition_key is not null and j.queue = w.queue and j.partition_key > first.partition_key
          order by j.partition_key, j.priority desc, j.position limit 1) next
        where first.n < 200
      )
      select min(o.run_at) as at from (
        select first.run_at from first
        union all
        select j.run_at from generate_series(-4, 4) p cross join lateral (
          select j.run_at from pillion.job j
          where j.state = 'ready' and j.partition_key is null and j.queue = w.queue and j.priority = p
          order by j.position limit 1) j) o) o
  ), running as materialized (
    select r.queue, count(*) as jobs from (select l.queue from pillion.live l where l.state = 'running' limit 10000) r group by r.queue
  ), scheduled as materialized (
    select s.queue, count(*) as jobs
    from (select j.queue from pillion.job j where j.state = 'scheduled' order by j.run_at limit 10000) s group by s.queue
  ), dead as materialized (
    select d.queue, count(*) as jobs
    from (select a.queue from pillion.archive a where a.state = 'dead' order by a.id desc limit 10000) d group by d.queue
  ), known as (
    select q.name from pillion.queue q
    union select unnest(w.queues) from pillion.worker w where w.stopped_at is null
    union select queue from waiting
    union select queue from running
    union select queue from scheduled
    union select queue from dead
  )
  select k.name, coalesce(r.jobs, 0), coalesce(r.more, false), coalesce(running.jobs, 0), coalesce(scheduled.jobs, 0), coalesce(dead.jobs, 0), r.at
  from known k
  left join ready r on r.queue = k.name
  left join running on running.queue = k.name
  left join scheduled on scheduled.queue = k.name
  left join dead on dead.queue = k.name
$$;

revoke execute on function pillion.first_page, pillion.throughput, pillion.look_through, pillion.newest_dead, pillion.queue_depths from public;

-- Every job that there is, one row each, wherever it lives: for joins with rows of the application. Its columns are a
-- promise: they keep their names, types, meaning and order, and more may come behind them. One of a known id is looked up
-- by an index in each table, but for those that run without a row of their own: of them all are looked at, once.
create view pillion.jobs as
  select j.id, j.name, j.version, j.queue, j.state, j.payload, j.headers, j.unique_key, j.partition_key, j.parent as parent_id, j.priority,
    j.created_at as enqueued_at, j.run_at, j.started_at, null::timestamptz as finished_at, j.attempt, j.max_attempts,
    (select a.error ->> 'message' from pillion.attempt a where a.job = j.id and a.error is not null order by a.finished_at desc limit 1) as error,
    null::jsonb as result
  from pillion.job j
  union all
  select a.id, a.name, a.version, a.queue, a.state, a.payload, a.headers, a.unique_key, a.partition_key, a.parent, a.priority, a.created_at,
    a.run_at, a.started_at, a.finished_at, a.attempt, a.max_attempts, a.error ->> 'message', a.result
  from pillion.archive a
  union all
  select h.id, h.name, h.version, h.queue, 'running', h.payload, h.headers, h.unique_key, h.partition_key, null::bigint, h.priority, h.created_at,
    h.run_at, h.claimed_at, null::timestamptz, h.attempt + 1, h.max_attempts,
    (select a.error ->> 'message' from pillion.attempt a where a.job = h.id and a.error is not null order by a.finished_at desc limit 1),
    null::jsonb
  from (
    -- Once, and not again for each row that it is joined with.
    with held as materialized (
      select j.*, b.claimed_at from pillion.batch b cross join lateral unnest(b.jobs) with ordinality j where not b.done[j.ordinality]
    )
    select * from held
  ) h;

insert into pillion.migration (version, name) values (17, 'reading');
$pillion_17$;
  end if;

  if version_before < 17 then
    perform pillion.keep();
  end if;
end $pillion$;
