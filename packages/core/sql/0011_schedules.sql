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
