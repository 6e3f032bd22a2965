import type { Host } from "../server.ts";

/** Leaves a job of the key that runs for as long as the bench does, where one at a time may run. */
export async function saturate({ pool }: Host, partitionKey: string): Promise<void> {
  await pool.query(
    `with holder as (
       insert into pillion.worker (label, queues, names, concurrency, lease_ms, started_at, heartbeat_at)
       values ('holds the slot', '{elsewhere}', '{noop}', 1, 15000, now(), now() + interval '1 day')
       returning id
     )
     insert into pillion.job (queue, name, partition_key, state, attempt, worker, claim, started_at, slot, max_attempts, payload)
     select 'default', 'noop', $1, 'running', 1, id, nextval('pillion.claim'), now(), true, 20, '{"i": -1}' from holder`,
    [partitionKey],
  );
}
