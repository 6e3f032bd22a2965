-- safe online: yes
--
-- Whoever may use the schema could otherwise call every function in it.
revoke execute on function pillion.wake, pillion.transaction_guard, pillion.guarded_statement, pillion.guard_within, pillion.enqueue_one,
  pillion.enqueue_keyed, pillion.wanted_option, pillion.enqueue, pillion.keep_day, pillion.keep_until, pillion.keep_attempt_until, pillion.begin_server_run from public;

-- Gives a role what it needs, and no more: an 'enqueuer' can put jobs in and take them back, and read none; a 'worker'
-- can run them; an 'operator' can besides stop and set queues, and say who subscribes; a 'reader' can look; a 'tester', which is
-- for test databases, can look at and run what its own transaction has enqueued. A role may be given several. To be called by the schema's owner, again after each upgrade.
create function pillion.allow(role text, kind text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  schema constant text := relnamespace::regnamespace from pg_class where oid = 'pillion.job'::regclass;
  rights text[];
  given  text;
begin
  rights := case kind
    when 'enqueuer' then array[
      -- A batch is one INSERT; each other way in is a function that has the owner's rights.
      'insert (queue, name, version, priority, max_attempts, partition_key, payload, headers, guard, run_at, start_before, state) on pillion.job',
      'select (id, state) on pillion.job',
      'usage on sequence pillion.position',
      'execute on function pillion.enqueue_one, pillion.enqueue_keyed, pillion.enqueue, pillion.publish',
      'execute on function pillion.cancel, pillion.retry, pillion.reschedule, pillion.begin_once, pillion.end_once,
        pillion.emit']
    when 'operator' then array[
      'select, insert, update on pillion.queue',
      'select, insert, update, delete on pillion.subscription, pillion.schedule',
      'execute on function pillion.cancel, pillion.retry, pillion.reschedule, pillion.pause, pillion.resume']
    when 'worker' then array[
      'select, insert, update, delete on pillion.job, pillion.unique_key, pillion.queue, pillion.worker, pillion.schedule,
        pillion.start, pillion.blocked_key, pillion.batch, pillion.cancellation, pillion.idempotency, pillion.checkpoint, pillion.event, pillion.wait, pillion.woken, pillion.cascade',
      'select, insert on pillion.archive, pillion.attempt',
      'select on pillion.server_run',
      'select, insert, update on pillion.subscription',
      'select on pillion.migration, pillion.attempts, pillion.live',
      'usage on sequence pillion.position, pillion.claim',
      'execute on function pillion.wake, pillion.keep_day, pillion.keep_until, pillion.keep_attempt_until, pillion.keep,
        pillion.claimed, pillion.step, pillion.begin_server_run, pillion.unpack, pillion.allowed, pillion.claim_by_key, pillion.rescue, pillion.rescue_singly, pillion.promote, pillion.tick, pillion.waiting, pillion.queue_depths,
        pillion.complete, pillion.sees, pillion.checkpoint, pillion.checkpoints, pillion.begin_wait, pillion.read_steps, pillion.meet']
    when 'reader' then array[
      'select on pillion.job, pillion.unique_key, pillion.queue, pillion.worker, pillion.schedule, pillion.start, pillion.blocked_key, pillion.archive, pillion.attempt, pillion.attempts, pillion.live, pillion.jobs, pillion.batch, pillion.cancellation, pillion.subscription, pillion.migration,
        pillion.checkpoint, pillion.event, pillion.wait',
      'execute on function pillion.find_jobs, pillion.look_through, pillion.newest_dead, pillion.queue_depths, pillion.waiting, pillion.throughput, pillion.kept, pillion.days_ahead, pillion.keep_day, pillion.keep_until, pillion.keep_attempt_until']
    when 'tester' then array[
      'execute on function pillion.enqueued_here, pillion.start_here, pillion.end_here, pillion.checkpoint, pillion.checkpoints, pillion.begin_wait, pillion.read_steps']
  end;
  if rights is null then
    raise exception using errcode = 'invalid_parameter_value',
      message = format('pillion: %L is no kind of role', kind), hint = 'It is one of ''enqueuer'', ''worker'', ''operator'', ''reader'' and ''tester''.';
  end if;
  foreach given in array array['usage on schema ' || schema] || rights loop
    execute format('grant %s to %I', given, role);
  end loop;
end $$;
revoke execute on function pillion.allow from public;
