import type { Pool } from "pg";
import type { SystemName } from "../arms/arm.ts";
import type { Host } from "../server.ts";
import { saturate } from "./saturate.ts";

/** What lies beside the jobs that are drained. */
export interface Scene {
  readonly name: string;
  readonly system: SystemName;
  /** Settings that belong to the scene, and that the empty table which it is compared with has too. */
  settle?(pool: Pool): Promise<unknown>;
  /** Makes `count` rows, in SQL as the system itself would have left them. */
  make(host: Host, count: number): Promise<unknown>;
}

/** The worker looks at two queues: "default", whose jobs are drained, and "other". */
const jobs =
  (columns: string, values: string) =>
  ({ pool }: Host, count: number) =>
    pool.query(
      `insert into pillion.job (${columns}, max_attempts, payload)
       select ${values}, 20, jsonb_build_object('i', -i) from generate_series(1, $1::int) i`,
      [count],
    );

export const ours: readonly Scene[] = [
  {
    name: "future",
    system: "pillion",
    make: jobs(
      "queue, name, state, run_at",
      "'default', 'noop', 'scheduled', now() + interval '1 hour' + i * interval '1 ms'",
    ),
  },
  {
    name: "finished",
    system: "pillion",
    make: ({ pool }, count) =>
      pool.query(
        `insert into pillion.archive (id, state, queue, name, version, priority, attempt, max_attempts, created_at, run_at,
           started_at, finished_at, worker, enqueued_xid, payload, keep_until)
         select -i, 'completed', 'default', 'noop', 1, 0, 1, 20, now(), now(), now(), now(), 1, '3',
           jsonb_build_object('i', -i), pillion.keep_until(null, 'completed', now())
         from generate_series(1, $1::int) i`,
        [count],
      ),
  },
  {
    name: "waiting, of a name nobody handles",
    system: "pillion",
    make: jobs("queue, name", "'default', 'nobody.handles'"),
  },
  {
    name: "waiting in a paused queue",
    system: "pillion",
    settle: (pool) => pool.query("insert into pillion.queue (name, paused_at) values ('other', now())"),
    make: jobs("queue, name", "'other', 'noop'"),
  },
  {
    name: "waiting of a saturated key",
    system: "pillion",
    settle: (pool) => pool.query("insert into pillion.queue (name, key_concurrency) values ('default', 1)"),
    async make(host, count) {
      await saturate(host, "tenant");
      await jobs("queue, name, partition_key", "'default', 'noop', 'tenant'")(host, count);
    },
  },
  {
    name: "waiting at a lower priority",
    system: "pillion",
    make: jobs("queue, name, priority", "'default', 'noop', -1"),
  },
];

export const peers: readonly Scene[] = [
  {
    name: "future",
    system: "graphile-worker",
    make: ({ pool }, count) =>
      pool.query(
        `select count(*) from graphile_worker.add_jobs(array(
           select row('noop', json_build_object('i', -i), null, now() + interval '1 hour' + i * interval '1 ms',
             null, null, null, null)::graphile_worker.job_spec
           from generate_series(1, $1::int) i))`,
        [count],
      ),
  },
  {
    name: "future",
    system: "pg-boss",
    make: ({ pool }, count) =>
      pool.query(
        `insert into pgboss.job (name, policy, data, start_after)
         select 'noop-notify', 'standard', jsonb_build_object('i', -i), now() + interval '1 hour' + i * interval '1 ms'
         from generate_series(1, $1::int) i`,
        [count],
      ),
  },
  {
    name: "finished",
    system: "pg-boss",
    make: ({ pool }, count) =>
      pool.query(
        `insert into pgboss.job (name, policy, data, state, started_on, completed_on)
         select 'noop-notify', 'standard', jsonb_build_object('i', -i), 'completed', now(), now()
         from generate_series(1, $1::int) i`,
        [count],
      ),
  },
];

/** Takes away what the last drain left, and nothing of what a scene made: its numbers are below nought. */
export const sweep: Readonly<Record<SystemName, string>> = {
  pillion: "delete from pillion.job where (payload ->> 'i')::int >= 0",
  "graphile-worker": "delete from graphile_worker._private_jobs where (payload ->> 'i')::int >= 0",
  "pg-boss": "delete from pgboss.job where (data ->> 'i')::int >= 0",
};
