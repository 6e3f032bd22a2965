import type { Pool } from "pg";

/** How many jobs of each kind a queue of so many has. Their ids are as they were enqueued, 14 million in 90 days. */
export interface Crowd {
  readonly completed: number;
  readonly cancelled: number;
  readonly dead: number;
  readonly ready: number;
  readonly scheduled: number;
  readonly running: number;
  /** The lowest ids of what was enqueued in the last week, of what waits or runs, and of what comes after it. */
  readonly first: Readonly<Record<"weekAgo" | "ready" | "scheduled" | "running" | "children", number>>;
}

export function crowdOf(jobs: number): Crowd {
  const part = (share: number) => Math.round(jobs * share);
  const [ready, scheduled, running] = [part(0.16), part(0.119), part(0.001)];
  const [weekAgo, waiting] = [part(13), part(13.8)];
  return {
    completed: part(0.62),
    cancelled: part(0.02),
    dead: part(0.08),
    ready,
    scheduled,
    running,
    first: {
      weekAgo,
      ready: waiting,
      scheduled: waiting + ready,
      running: waiting + ready + scheduled,
      children: waiting + ready + scheduled + running,
    },
  };
}

/** The id of the n-th that has completed, from 1. */
export const completedId = ({ first }: Crowd, n: number) => first.weekAgo + n + Math.floor(n / 8) * 2;
/** The id of the n-th that is dead, from 1: evenly over all that there are. */
export const deadId = ({ first, dead }: Crowd, n: number) => n * Math.floor(first.ready / dead / 10) * 10 + 8;

/** Few, old, and hard to find: a name, a queue, a tenant in the headers, a key. */
export const rare = { name: "rare.report", queue: "attic", tenant: "the only one", key: "once" };
/** One that has many. */
export const common = { name: "shop.mail-0", queue: "queue 0", tenant: "tenant 7" };
/** A queue whose jobs have partition keys, and whose workers are too few. */
export const keyed = { queue: "by tenant", key: "tenant 3" };
/** A completed job with as many children as are told. */
const children = 1_000;
export const schedules = 2_000;

/** Names and queues of which the first has very many jobs, and the last very few. */
const name = "'shop.mail-' || floor(60 * random() ^ 3)::int";
const queue = "'queue ' || floor(12 * random() ^ 2)::int";
const headers = `case when random() < 0.7 then jsonb_build_object('tenant', 'tenant ' || floor(1000 * random())::int, 'traceparent', '00-' || md5(i::text) || '-' || left(md5(i::text), 16) || '-01') end`;
const uniqueKey = "case when i % 5 = 0 then 'order ' || i end";
/** 200 bytes to a kilobyte, and one in a thousand of 40 KiB, which lie beside the table. */
const payload = `jsonb_build_object('order', i, 'text', repeat(md5(i::text), case when i % 1000 = 0 then 1280 else 5 + i % 25 end))`;
/** Sixty causes, told with numbers and ids; and one in ten that is like no other. */
const error = `jsonb_build_object('name', (array['TypeError', 'HttpError', 'PaymentRefused', 'TimeoutError'])[1 + i % 4], 'message', case when i % 10 = 0
    then 'no customer is called ' || translate(md5(i::text), '0123456789', 'ghijklmnop')
    else 'cause ' || chr(65 + i % 20) || ': order ' || i || ' of customer ' || md5(i::text) || ' was refused at ' || now() end,
  'stack', repeat('    at Object.book (/app/src/billing/ledger.ts:44:11)' || chr(10), 20))`;

/**
 * Fills the schema `pillion` with so many jobs as an application of some size has them, in SQL as the queue itself would
 * have left them. What has ended lies in the order in which it did; an hour ago very much did.
 */
export async function fill(pool: Pool, crowd: Crowd): Promise<void> {
  const client = await pool.connect();
  const { completed, cancelled, dead, ready, scheduled, running, first } = crowd;
  const archived = `(id, state, queue, name, version, priority, attempt, max_attempts, created_at, run_at, started_at, finished_at,
    worker, error, unique_key, enqueued_xid, payload, headers, result, keep_until)`;
  const waits = `(id, state, run_at, queue, name, priority, max_attempts, unique_key, partition_key, payload, headers)
    overriding system value`;
  try {
    await client.query("select setseed(0.5)");
    // As `keep` would have made and dropped them, day by day.
    await client.query(`do $$ begin
      for ago in reverse 130..0 loop
        perform pillion.make_days(parent, now() - ago * interval '1 day', 1000000000, '{}', '{}'),
          pillion.drop_past(parent, now() - ago * interval '1 day', '{}', '{}'), pillion.drop_past(parent, now() - ago * interval '1 day', '{}', '{}')
        from unnest(array['pillion.archive', 'pillion.attempt']::regclass[]) parent;
      end loop;
    end $$`);
    const ended = (state: string, count: number, at: string, id: string, columns: string) =>
      client.query(
        `insert into pillion.archive ${archived}
         select ${id}, '${state}', ${columns}, 1, 0, case '${state}' when 'cancelled' then 0 else 1 end, 5, at - interval '9 seconds',
           at - interval '9 seconds', case when '${state}' <> 'cancelled' then at - random() * interval '3 seconds' end, at, 1 + i % 300,
           case when '${state}' = 'dead' then ${error} end, ${uniqueKey}, '5', ${payload}, ${headers},
           case when '${state}' = 'completed' then jsonb_build_object('receipt', md5(i::text)) end, pillion.keep_until(null, '${state}', at)
         from (select i, ${at} as at from generate_series(1, $1::int) i) t`,
        [count],
      );
    const usual = `${queue}, ${name}`;
    await ended(
      "dead",
      dead,
      `now() - interval '90 days' * (1 - i / ${dead}.0)`,
      `(i * ${Math.floor(first.ready / dead / 10)}) * 10 + 8`,
      usual,
    );
    await ended(
      "cancelled",
      cancelled,
      `now() - interval '6 days' * (1 - i / ${cancelled}.0)`,
      `${first.weekAgo} + i * 10 + 9`,
      usual,
    );
    // A fifth of all in the last hour.
    const [early, late] = [0.8 * completed, 0.2 * completed];
    const pace = `interval '1 hour' * case when i < ${early} then 1 + 143 * (1 - i / ${early}::float8) else (${completed} - i) / ${late}::float8 end`;
    await ended("completed", completed, `now() - ${pace}`, `${first.weekAgo} + i + i / 8 * 2`, usual);
    for (const [state, id] of [
      ["dead", 1],
      ["completed", first.weekAgo],
    ] as const)
      await client.query(
        `update pillion.archive set name = $1, queue = $2, headers = jsonb_build_object('tenant', $3::text), unique_key = $4
         where state = $5 and id in (select id from pillion.archive where state = $5 and id >= $6 order by id limit 3)`,
        [rare.name, rare.queue, rare.tenant, rare.key, state, id],
      );
    await client.query(
      `insert into pillion.attempt (job, attempt, queue, worker, started_at, finished_at, outcome, error, keep_until)
       select id, n, queue, worker, started_at, finished_at, 'failed', error, pillion.keep_attempt_until(null, finished_at)
       from (select * from pillion.archive where state = 'dead' order by finished_at) a, generate_series(1, 3) n`,
    );
    await client.query(
      `insert into pillion.job ${waits}
       select ${first.ready} + i - 1, 'ready', now() - interval '1 hour' * (1 - i / $1::float8), case when i % 4 = 0 then '${keyed.queue}' else ${queue} end,
         ${name}, floor(3 * random())::int - 1, 5, ${uniqueKey}, case when i % 4 = 0 then 'tenant ' || floor(1000 * random() ^ 2)::int end, ${payload}, ${headers}
       from generate_series(1, $1::int) i`,
      [ready],
    );
    await client.query(
      `insert into pillion.job ${waits}
       select ${first.scheduled} + i - 1, 'scheduled', now() + i * interval '1 second', ${queue}, ${name}, 0, 5, ${uniqueKey}, null, ${payload}, ${headers}
       from generate_series(1, $1::int) i`,
      [scheduled],
    );
    // Half with rows of their own, half ten to a claim.
    await client.query(
      `insert into pillion.job (id, state, queue, name, attempt, max_attempts, payload, headers, worker, claim, started_at) overriding system value
       select ${first.running} + i - 1, 'running', ${usual}, 1, 5, ${payload}, ${headers}, 1 + i % 300, i, now() - i * interval '1 second'
       from generate_series(1, $1::int) i`,
      [running / 2],
    );
    await client.query(
      `insert into pillion.batch (claim, worker, claimed_at, ids, jobs, done, charged, remaining)
       select 1000000 + b, 1 + b % 300, now() - b * interval '10 ms', array_agg((j).id), array_agg(j), array_agg(false), array_agg(true), count(*)
       from generate_series(0, $1::int / 10 - 1) b, generate_series(0, 9) n, lateral (
         select jsonb_populate_record(null::pillion.job, to_jsonb(t) || jsonb_build_object('id', ${first.running} + $1::int + b * 10 + n, 'state', 'ready')) j
         from pillion.job t where t.id = ${first.running} + b * 10 + n) p
       group by b`,
      [running / 2],
    );
    await client.query(
      `insert into pillion.archive (id, state, queue, name, version, priority, attempt, created_at, run_at, started_at, finished_at, worker,
         enqueued_xid, payload, parent, keep_until)
       select ${first.children} + i - 1, 'completed', 'queue 1', 'shop.part', 1, 0, 1, now(), now(), now(), now(), 1, '5', '{}',
         ${completedId(crowd, completed)}, pillion.keep_until(null, 'completed', now())
       from generate_series(1, ${children}) i`,
    );
    // Most of those that ever were have stopped long ago.
    await client.query(
      `insert into pillion.worker (label, queues, names, concurrency, lease_ms, started_at, heartbeat_at, stopped_at)
       select 'host-' || i || ':' || 1000 + i, array['${keyed.queue}', 'queue ' || i % 12, 'queue ' || (i + 1) % 12],
         array(select 'shop.mail-' || n from generate_series(0, 59) n), 10, 15000, now() - interval '1 day',
         now() + interval '1 day', case when i > 300 then now() - (i - 300) * interval '10 seconds' end
       from generate_series(1, 20300) i`,
    );
    await client.query(
      `insert into pillion.schedule (name, cron, time_zone, job_name, payload, due_at)
       select 'schedule ' || to_char(i, 'FM00000'), '0 3 * * *', 'Europe/Berlin', 'shop.mail-1', ${payload}, now() + interval '1 hour'
       from generate_series(1, ${schedules}) i`,
    );
    await client.query(
      `insert into pillion.unique_key (name, key, job, until) select name, unique_key, id, 'started' from pillion.job where unique_key is not null
       on conflict do nothing`,
    );
    await client.query(
      `insert into pillion.queue (name, paused_at, concurrency) values ('queue 3', now(), null), ('queue 4', null, 50)`,
    );
    await client.query("select setval(pg_get_serial_sequence('pillion.job', 'id'), $1)", [
      first.children + children,
    ]);
  } finally {
    client.release();
  }
}
