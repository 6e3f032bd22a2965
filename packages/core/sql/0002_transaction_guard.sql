-- safe online: yes
--
-- An enqueue that must be inside a transaction is refused at COMMIT where it was not; the same triggers wake workers.

-- One row for each statement that must be inside a transaction and leaves no guarded job row of its own. Its
-- columns bear the names of job's, so that one trigger serves both; the trigger deletes the row at commit, and
-- the table is empty to everybody else.
create table pillion.guard (
  id     bigint generated always as identity primary key,
  guard  timestamptz not null,
  -- What is not an enqueue says here what it is.
  verb   text,
  name   text,
  queue  text,
  state  pillion.job_state,
  -- Who runs a job that is to be cancelled, and hears of it at commit.
  worker bigint
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);

-- Wakes a sleeping worker of the queue, if one says that it sleeps: it then holds this advisory lock. A lock is
-- seen at once by all, whatever their snapshot, and is kept until the commit is visible to others: so the
-- worker's last look, taken after it got the lock, misses nothing. NOTIFY would forbid PREPARE TRANSACTION, whose
-- text the server still knows when the triggers fire; that of an autocommit in the extended protocol it does not.
create function pillion.wake(queue text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not pg_try_advisory_xact_lock_shared('pillion.job'::regclass::oid::int4, hashtext(queue))
     and coalesce(current_query(), '') !~* 'prepare[[:space:]]+transaction' then
    perform pg_notify('pillion_' || 'pillion.job'::regclass::oid, queue);
  end if;
end $$;

-- Fires at COMMIT. The commit of a statement that stands alone belongs to that statement, so both have the same
-- statement_timestamp(); a COMMIT that ends a transaction is a statement of its own, with a later one.
-- It runs as whoever commits, with whatever search_path: so every name is qualified, and none is in this schema.
create function pillion.transaction_guard() returns trigger
language plpgsql as $$
declare
  verb text;
begin
  -- One expression decides the usual case, because each one is set up anew in each transaction.
  if new.guard operator(pg_catalog.=) pg_catalog.statement_timestamp()
     or (new.state operator(pg_catalog.=) 'ready' and tg_table_name operator(pg_catalog.=) 'job'
         and not pg_catalog.pg_try_advisory_xact_lock_shared(tg_relid::pg_catalog.int4, pg_catalog.hashtext(new.queue))) then
    if new.guard operator(pg_catalog.=) pg_catalog.statement_timestamp() then
      verb := pg_catalog.to_jsonb(new) operator(pg_catalog.->>) 'verb';
      raise exception using
        errcode = 'no_active_sql_transaction',
        message = case when verb is null
          then pg_catalog.format('pillion: job "%s" was not enqueued, because the statement ran outside a transaction', new.name)
          else pg_catalog.format('pillion: %s was not done, because the statement ran outside a transaction', verb) end,
        detail = 'The handle was never in a transaction, or its transaction is over: the statement would have committed by itself.',
        hint = pg_catalog.format('%s Under SET CONSTRAINTS ALL IMMEDIATE, run SET CONSTRAINTS %I.transaction_guard DEFERRED first.', case when verb is null
          then 'Enqueue with the handle that the transaction callback received, and await it there; to commit a job by itself, call enqueueStandalone.'
          else 'Call it with the handle that the transaction callback received, and await it there; outside any transaction it is for createAdmin, of @pillion/core/admin.' end, tg_table_schema);
    elsif coalesce(pg_catalog.current_query(), '') operator(pg_catalog.!~*) 'prepare[[:space:]]+transaction' then
      perform pg_catalog.pg_notify(pg_catalog.concat('pillion_', tg_relid), new.queue);
    end if;
  end if;
  return null;
end $$;

-- What else a row of the table guard is for: its queue's wake-up, or a word to a worker, which need rights that
-- whoever commits may lack.
create function pillion.guarded_statement() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  delete from pillion.guard where id = new.id;
  if new.state = 'ready' then
    perform pillion.wake(new.queue);
  end if;
  if new.worker is not null and coalesce(current_query(), '') !~* 'prepare[[:space:]]+transaction' then
    perform pg_notify('pillion_' || 'pillion.job'::regclass::oid || '_beat', new.worker::text);
  end if;
  return null;
end $$;

create constraint trigger transaction_guard after insert on pillion.job
  deferrable initially deferred for each row when (new.guard is not null)
  execute function pillion.transaction_guard();
create constraint trigger transaction_guard after insert on pillion.guard
  deferrable initially deferred for each row
  execute function pillion.transaction_guard();
create constraint trigger wake_up after insert on pillion.guard
  deferrable initially deferred for each row
  execute function pillion.guarded_statement();
