-- safe online: yes
--
-- What handlers do in the application's own transactions. Functions with their owner's rights: whoever writes an
-- invoice need not be able to write jobs.

-- Completes an attempt in the caller's transaction, as the last thing before its COMMIT: what the handler has written
-- and the job's end become one. Fenced by the claim. The job has a row of its own; no other row is touched. Waits for
-- nobody: answers 'done'; 'busy' where somebody else has the job's row locked at this moment; 'lost' where another
-- attempt, or nobody, has the job.
create function pillion.complete(id bigint, claim bigint, started_ms integer, result jsonb) returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  ended pillion.job;
begin
  -- A statement that stands alone begins when its transaction does.
  if transaction_timestamp() = statement_timestamp() then
    raise exception using
      errcode = 'no_active_sql_transaction',
      message = format('pillion: job %s was not completed, because the statement ran outside a transaction', complete.id),
      hint = 'It is sent by a transactional handler, on the connection of the transaction that it was given.';
  end if;
  delete from pillion.job j
  where j.ctid = any (array(select j.ctid from pillion.job j where j.id = complete.id and j.claim = complete.claim for update skip locked))
  returning j.* into ended;
  if not found then
    return case when exists (select from pillion.job j where j.id = complete.id and j.claim = complete.claim) then 'busy' else 'lost' end;
  end if;
  insert into pillion.archive (id, queue, name, version, priority, attempt, max_attempts, created_at, run_at, start_before, started_at,
    worker, unique_key, partition_key, enqueued_xid, parent, payload, headers, state, finished_at, result, keep_until)
  select ended.id, ended.queue, ended.name, ended.version, ended.priority, ended.attempt, ended.max_attempts, ended.created_at, ended.run_at,
    ended.start_before, ended.started_at + complete.started_ms * interval '1 millisecond', ended.worker, ended.unique_key, ended.partition_key,
    ended.enqueued_xid, ended.parent, ended.payload, ended.headers, 'completed', statement_timestamp(), complete.result,
    pillion.keep_until((select q from pillion.queue q where q.name = ended.queue), 'completed', statement_timestamp());
  if ended.slot then
    perform pillion.wake(ended.queue);
  end if;
  return 'done';
end $$;

-- Whether whoever calls sees the jobs table of this worker, and not that of another database.
create function pillion.sees(worker bigint, nonce uuid) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select exists (select from pillion.worker w where w.id = sees.worker and w.nonce = sees.nonce)
$$;
revoke execute on function pillion.complete, pillion.sees from public;
