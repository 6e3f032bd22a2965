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
