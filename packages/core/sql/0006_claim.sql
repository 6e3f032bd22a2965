-- safe online: yes
--
-- What a worker does all the time. Functions, because a session then plans each statement once, and generically: a
-- queue is usually empty when it is analyzed, and a plan for an empty table reads the whole of a full one. The
-- settings leave the planner no other way than the indexes. No statement ever waits for a row.

-- A claimed job as a JSON array after a comma: what a worker must know of it, in the order that claimed-job.ts reads.
-- Its queue and its name are places in the worker's own lists; what few jobs have comes last, as an object.
create function pillion.claimed(job pillion.job, queues text[], names text[]) returns text
language sql stable return
  concat(',["', (job).id, '",', (job).position, ',', (job).priority, ',', array_position(queues, (job).queue), ',', array_position(names, (job).name),
    ',', (job).version, ',', (job).attempt, ',', coalesce((job).max_attempts, 0), ',', floor(date_part('epoch', (job).created_at) * 1000)::bigint,
    ',', (job).payload,
    case when (job).run_at <> (job).created_at or (job).headers is not null or (job).partition_key is not null or (job).start_before is not null
           or (job).lost > 0 or (job).prefetched then
      ',' || json_build_object('runAt', floor(date_part('epoch', (job).run_at) * 1000), 'headers', (job).headers, 'partitionKey', (job).partition_key,
        'lost', (job).lost, 'prefetched', (job).prefetched, 'late', (job).attempt = 1 and (job).start_before < statement_timestamp()) end, ']');

-- Ends completed attempts and takes further jobs, in one round trip.
-- ids, claims, started, results: the attempts to complete; how many milliseconds after its claim each handler
--   started; and what they returned (a JSON array, or null where none returned anything).
-- queues, priorities, bounds: the lanes, in the order in which they are read, each from a position on.
-- most, free: how many jobs to take at most; and how many of them start at once, the others being claimed ahead. Those
--   whose worker fell silent before are always claimed ahead: their start is written before it happens.
-- Answers one JSON text, [head, job, job …].
create function pillion.step(
  worker bigint, ids bigint[], claims bigint[], started integer[], results jsonb,
  queues text[], priorities smallint[], bounds bigint[], names text[], versions integer[], most integer, free integer)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  ended     bigint[];
  busy      json;
  lost      json;
  oldest    xid8;
  fence     bigint;
  closed    json;
  jobs      text;
begin
  if cardinality(step.ids) > 0 then
    with done as (
      select d.id, d.claim, d.started, nullif(step.results -> (d.n - 1)::integer, 'null') as result
      from unnest(step.ids, step.claims, step.started) with ordinality d(id, claim, started, n)
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
        j.payload, j.headers, held.result, j.slot
    ), archived as (
      insert into pillion.archive (id, queue, name, version, priority, attempt, max_attempts, created_at, run_at, start_before,
        started_at, worker, unique_key, partition_key, enqueued_xid, payload, headers, state, finished_at, result, keep_until)
      select d.id, d.queue, d.name, d.version, d.priority, d.attempt, d.max_attempts, d.created_at, d.run_at, d.start_before,
        d.started_at, d.worker, d.unique_key, d.partition_key, d.enqueued_xid, d.payload, d.headers,
        'completed', statement_timestamp(), d.result, pillion.keep_until(settings, 'completed', statement_timestamp())
      from deleted d left join pillion.queue settings on settings.name = d.queue
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
    fence := nextval('pillion.claim');
    select json_agg(q.name) into closed from pillion.queue q
    where q.name = any (step.queues) and (q.paused_at is not null or q.limited);
    with picked as materialized (
      select ready.row, row_number() over so_far as rank, sum(ready.size) over so_far as bytes
      from unnest(step.queues, step.priorities, step.bounds) lane(queue, priority, bound)
      left join pillion.queue q on q.name = lane.queue
      cross join lateral (
        select j.ctid as row, case when pg_column_size(j.payload) > 2000 then octet_length(j.payload::text) else 0 end as size
        from pillion.job j
        where j.state = 'ready' and j.partition_key is null and j.queue = lane.queue and j.priority = lane.priority and j.position >= lane.bound
          -- Inside a case it is looked up in a hash, and not joined.
          and case when (j.name, j.version) in (select h.name, h.version from unnest(step.names, step.versions) h(name, version)) then true end
        order by j.position
        limit step.most
        for update skip locked
      ) ready
      where q.paused_at is null and q.limited is not true
      window so_far as (rows unbounded preceding)
      limit step.most
    ), taken as (
      update pillion.job j
      set state = 'running', attempt = j.attempt + 1, worker = step.worker, claim = fence, started_at = statement_timestamp(),
        prefetched = picked.rank > step.free or j.lost > 0
      from picked
      where j.ctid = picked.row and (picked.rank = 1 or picked.bytes <= 8388608)
      returning pillion.claimed(j, step.queues, step.names) as job
    )
    select string_agg(job, '') into jobs from taken;
  end if;
  return concat('[', json_build_object('claim', fence::text, 'xid', pg_current_xact_id_if_assigned()::text, 'oldest', oldest::text, 'front', pg_sequence_last_value('pillion.position'),
    'closed', closed, 'busy', busy, 'lost', lost), jobs, ']');
end $$;
revoke execute on function pillion.claimed, pillion.step from public;
