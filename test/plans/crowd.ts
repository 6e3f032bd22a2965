import type pg from "pg";

/** How many rows a statement of the tests is about; everything else is in its way. */
export const few = 100;

/** The id of the first job that worker 1 holds; the others follow. */
export const firstHeld = 1_000_000;

/** The id of the first job that worker 1 holds in a claim's row, one in each; and the number of that claim. */
export const firstPacked = 2_000_000;
export const firstBatch = 100_000;

/** Fills the queue as one that has grown: `few` jobs of each kind that a statement looks for, among very many others. */
export async function fill(client: pg.Client): Promise<void> {
  await client.query(`
    -- Worker 1 lives, worker 2 is silent, the others have gone.
    insert into pillion.worker (label, queues, names, concurrency, lease_ms, started_at, heartbeat_at, stopped_at)
    select 'worker ' || w, '{default}', '{mail.send}', 10, 15000, now() - interval '1 hour',
      now() - case w when 1 then interval '0' else interval '1 hour' end, case when w > 2 then now() end
    from generate_series(1, 50) w;

    -- Each of them holds a few jobs, or has left them behind; each by a claim of its own.
    insert into pillion.job (id, queue, name, state, attempt, max_attempts, payload, worker, claim, started_at)
      overriding system value
    select ${firstHeld} + i, 'default', 'mail.send', 'running', 1, 20, '{}', 1 + (i / ${few}), i, now()
    from generate_series(0, ${50 * few} - 1) i;

    -- The same of claims that lie in one row; between the two workers', very many that have ended.
    insert into pillion.batch (claim, worker, claimed_at, ids, jobs, done, charged, remaining)
    select ${firstBatch} + i, case when i < ${few} then 1 when i < 60000 then 3 + i % 48 else 2 end, now(), array[p.id], array[p], '{f}', '{t}', 1
    from generate_series(0, 60000 + ${few} - 1) i, jsonb_populate_record(null::pillion.job, jsonb_build_object(
      'id', ${firstPacked} + i, 'enqueued_xid', '1', 'position', i, 'created_at', now(), 'run_at', now(), 'state', 'ready',
      'priority', 0, 'version', 1, 'attempt', 0, 'queue', 'default', 'name', 'mail.send', 'payload', repeat('x', 200),
      'lost', 0, 'prefetched', false, 'slot', false)) p;
    delete from pillion.batch where worker > 2;

    insert into pillion.job (queue, name, priority, max_attempts, payload)
    select case when i % 5 = 0 then 'other' else 'default' end, 'mail.send', i % 2, 20, '{}'
    from generate_series(1, 80000) i;

    -- As many as a claim asks for; behind them, those that no worker takes.
    insert into pillion.job (queue, name, priority, max_attempts, payload)
    select 'short', case when i <= ${few} then 'mail.send' else 'nobody.handles' end, case when i <= ${few} then 0 else -1 end, 20, '{}'
    from generate_series(1, 20000) i;

    insert into pillion.queue (name, key_concurrency) values ('by key', 1);
    insert into pillion.job (queue, name, partition_key, max_attempts, payload)
    select 'by key', 'mail.send', 'tenant ' || i % 1000, 20, '{}' from generate_series(1, 20000) i;

    insert into pillion.job (queue, name, state, run_at, max_attempts, payload)
    select 'default', 'mail.send', 'scheduled',
      case when i <= ${few} then now() - interval '1 minute' else now() + i * interval '1 second' end, 20, '{}'
    from generate_series(1, 50000) i;

    insert into pillion.start (queue, partition_key, at, jobs)
    select 'by key', 'tenant ' || i % 10, now() + case when i <= ${few} then interval '0' else interval '1 hour' end, 1 from generate_series(1, 20000) i;

    insert into pillion.unique_key (name, key, job, until)
    select 'mail.send', 'key ' || i, i + 20000, 'started' from generate_series(1, 20000) i;
  `);
}
