import type { OwnQueue } from "../own-queue.ts";

/** What is heard on the queue's channels from now on. */
export async function listener(queue: OwnQueue) {
  const client = await queue.connect();
  const heard: string[] = [];
  client.on("notification", ({ payload }) => void heard.push(payload!));
  const [row] = await queue.query("select 'pillion.job'::regclass::oid::text as oid");
  await queue.query(`listen pillion_${row!.oid}; listen pillion_${row!.oid}_beat`, undefined, client);
  return {
    /** Does what a worker does that sleeps on this queue. */
    async sleepOn(name: string) {
      await queue.query("select pg_advisory_lock($1, hashtext($2))", [row!.oid, name], client);
    },
    /** Everything that had been sent when this is called. */
    async all() {
      // A round trip: what was committed before it is delivered with its answer.
      await client.query("select 1");
      return [...heard];
    },
  };
}

/** Makes a job, claimed by a worker of this number. */
export async function runningJob(queue: OwnQueue, name: string, worker: number): Promise<string> {
  const [row] = await queue.query("select id::text from pillion.enqueue($1, '1')", [name]);
  await queue.query(
    "update pillion.job set state = 'running', attempt = 1, worker = $2, claim = 1, started_at = now() where id = $1",
    [row!.id, worker],
  );
  return row!.id!;
}
