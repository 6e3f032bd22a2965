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
