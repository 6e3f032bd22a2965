import type { PoolClient } from "pg";
import { PgBoss, type WorkOptions } from "pg-boss";
import type { Mode, System } from "./arm.ts";

/** Queues wake their workers where they were made to. */
const queues: Partial<Record<Mode, string>> = { default: "noop", best: "noop-notify" };

const options: Partial<Record<Mode, WorkOptions>> = {
  default: {},
  best: { batchSize: 1_000, localConcurrency: 2, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 },
};

export const pgBoss: System = {
  name: "pg-boss",
  modes: {
    default: "nothing set",
    best: "batchSize 1000, localConcurrency 2, burstWhenBatchFull, poll 0.5 s, LISTEN/NOTIFY",
  },

  async prepare(connectionString) {
    const boss = await started(new PgBoss({ connectionString, schedule: false, supervise: false }));
    await boss.createQueue(queues.default!);
    await boss.createQueue(queues.best!, { notify: true });
    await boss.stop();
  },
  async clean(pool) {
    await pool.query("truncate pgboss.job cascade");
  },
  async holds(pool) {
    const { rowCount } = await pool.query("select from pgboss.job where state = 'active' limit 1");
    return rowCount === 1;
  },
  async produce(connectionString, mode) {
    const boss = await started(
      new PgBoss({ connectionString, schedule: false, supervise: false, migrate: false }),
    );
    return {
      async one(client, i) {
        await boss.send(queues[mode]!, { i }, { db: within(client) });
      },
      async many(client, is) {
        await boss.insert(
          queues[mode]!,
          is.map((i) => ({ data: { i } })),
          { db: within(client) },
        );
      },
      close: () => boss.stop(),
    };
  },
  async work(connectionString, mode, handler) {
    const boss = await started(new PgBoss({ connectionString, useListenNotify: mode === "best" }));
    await boss.work<{ i: number }>(queues[mode]!, options[mode]!, async (jobs) => {
      await Promise.all(jobs.map(({ data }) => handler(data.i)));
    });
    return () => boss.stop({ graceful: false });
  },
};

async function started(boss: PgBoss): Promise<PgBoss> {
  boss.on("error", (error) => console.error(error.message));
  return boss.start();
}

function within(client: PoolClient) {
  return { executeSql: (text: string, values?: unknown[]) => client.query(text, values) };
}
