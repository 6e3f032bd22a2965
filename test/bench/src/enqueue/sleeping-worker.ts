import { defineJob, type } from "@pillion/core";
import { createWorker, handle } from "@pillion/core/worker";
import pg from "pg";

/** A worker of the queue "mail" that has said that it sleeps: it holds that queue's advisory lock. */
export async function sleepingWorker(url: string, schema: string): Promise<{ stop(): Promise<void> }> {
  const sendMail = defineJob({ name: "mail.send", queue: "mail", payload: type<null>() });
  const worker = createWorker({
    database: url,
    schema,
    handlers: [handle(sendMail, () => {})],
    queues: ["mail"],
    logger: false,
  });
  await worker.start();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const asleep = async () =>
    (
      await client.query(
        "select from pg_locks where locktype = 'advisory' and mode = 'ExclusiveLock' and granted and classid = 'job'::regclass",
      )
    ).rowCount;
  while (!(await asleep())) await new Promise((resolve) => setTimeout(resolve, 20));
  await client.end();
  return worker;
}
