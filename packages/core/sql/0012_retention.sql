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
