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
