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
