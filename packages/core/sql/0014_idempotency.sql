-- safe online: yes
--
-- What is to be done once, however often it is asked for: a request handler, a webhook. The call and its answer are part
-- of the caller's transaction.

-- A call from its first transaction on, with what it answered. What is not committed is seen by nobody else: another
-- call with the same key waits at the primary key.
create table pillion.idempotency (
  scope       text not null,
  key         text not null,
  -- The transaction that works the answer out, or has.
  xid         xid8 not null,
  answered    boolean not null default false,
  -- Null also where the answer is nothing.
  answer      json,
  expires_at  timestamptz not null,
  primary key (scope, key)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
create index idempotency_expiry on pillion.idempotency (expires_at);

-- Begins a call. Waits for a call with this key that has not committed. Answers {"xid", "found", "answer"}, `found`
-- being 'nothing': the caller has the key from now on, and is to answer; 'answer'; or 'itself': this very transaction
-- is still working it out. An answer is read without a lock: those who ask for it do not wait for one another. With a
-- pin, nothing happens in any other transaction, and null is the answer.
create function pillion.begin_once(scope text, key text, keep_ms float8, guarded boolean default false, pin text default null,
                                   now timestamptz default null)
returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  at    constant timestamptz := coalesce(now, statement_timestamp());
  until constant timestamptz := at + begin_once.keep_ms * interval '1 millisecond';
  held  pillion.idempotency;
begin
  if pin <> pg_current_xact_id()::text then
    return null;
  end if;
  perform pillion.guard_verb('idempotent', guarded);
  loop
    insert into pillion.idempotency (scope, key, xid, expires_at)
    values (begin_once.scope, begin_once.key, pg_current_xact_id(), until)
    on conflict do nothing;
    exit when found;
    select i.* into held from pillion.idempotency i where i.scope = begin_once.scope and i.key = begin_once.key;
    -- Another had it, and has rolled back or freed it.
    continue when not found;
    if held.answered and held.expires_at > at then
      return json_build_object('xid', pg_current_xact_id()::text, 'found', 'answer', 'answer', held.answer, 'empty', held.answer is null)::text;
    end if;
    if held.xid = pg_current_xact_id() and not held.answered then
      return json_build_object('xid', pg_current_xact_id()::text, 'found', 'itself')::text;
    end if;
    -- It has expired; or its transaction was committed before it had an answer, and nobody works one out any more.
    update pillion.idempotency i set xid = pg_current_xact_id(), answered = false, answer = null, expires_at = until
    where i.scope = begin_once.scope and i.key = begin_once.key and i.xid = held.xid and i.answered = held.answered;
    exit when found;
  end loop;
  return json_build_object('xid', pg_current_xact_id()::text, 'found', 'nothing')::text;
end $$;

-- Ends a call of this transaction: with its answer; or, where it has none, so that the key is free again. False where
-- this transaction has begun none.
create function pillion.end_once(scope text, key text, answered boolean, answer json) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  if end_once.answered then
    update pillion.idempotency i set answered = true, answer = end_once.answer
    where i.scope = end_once.scope and i.key = end_once.key and i.xid = pg_current_xact_id();
  else
    delete from pillion.idempotency i
    where i.scope = end_once.scope and i.key = end_once.key and i.xid = pg_current_xact_id() and not i.answered;
  end if;
  return found;
end $$;

revoke execute on function pillion.begin_once, pillion.end_once from public;
