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
