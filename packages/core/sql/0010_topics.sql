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
