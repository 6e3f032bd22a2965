-- safe online: yes
--
-- What is told of finished jobs. They have no index by time, which every completion would have to pay for: rows are
-- written in the order in which jobs end, so that the page at which a stretch of time begins is found by halving, and
-- what has ended since lies behind it. Where that is more than is read at once, evenly spread parts of it are read, and
-- stand for the whole. What fills the gap of a job that was brought back may be missed.

-- The first page of a partition with what has ended at `since` or later, or a few before it.
create function pillion.first_page(part regclass, since timestamptz, brought_back boolean) returns bigint
language plpgsql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off set datestyle = 'ISO' as $$
declare
  low    bigint := 0;
  high   bigint := pg_relation_size(part) / current_setting('block_size')::bigint;
  middle bigint;
  newest timestamptz;
begin
  while low < high loop
    middle := (low + high) / 2;
    -- Several pages: those who write at the same time have one each. What is written late says nothing of when it is.
    execute format('select max(finished_at) from %s where ctid >= ''(%s,0)'' and ctid < ''(%s,0)'' %s', part, middle, middle + 8,
      case when brought_back then 'and outcome not in (''completed'', ''dead'', ''cancelled'')' else '' end) into newest;
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
create function pillion.throughput(queue text, minutes integer, bucket_seconds integer, now timestamptz default null, most_pages integer default 2048)
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

revoke execute on function pillion.first_page, pillion.throughput from public;

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
