import { defineJob, type } from "@pillion/core";
import { createAdmin } from "@pillion/core/admin";
import { createWorker, handle } from "@pillion/core/worker";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { listeningLogger, until } from "../../packages/core/test/worker/queue.ts";
import { nothing, pooledPlace } from "./pooled-place.ts";

test("where the default is serializable, admins and workers that share two connections wait for each other, and none is refused", async () => {
  const place = await pooledPlace("isolation");
  onTestFinished(() => place.drop());
  const name = new URL(place.direct).pathname.slice(1);
  await place.query(`alter database ${name} set default_transaction_isolation = 'serializable'`);
  await place.query(
    `select pillion.enqueue('counted', to_jsonb(i), '{"delayMs": 3600000}') from generate_series(1, 100) i`,
  );
  const holder = new pg.Client(place.direct);
  await holder.connect();
  onTestFinished(() => holder.end());
  const admins = [1, 2].map(() => createAdmin({ database: place.pooled }));
  onTestFinished(async () => void (await Promise.all(admins.map((admin) => admin.close()))));

  await holder.query("begin isolation level read committed; update pillion.job set run_at = run_at");
  const counts = Promise.all(admins.map((admin) => admin.reschedule({ name: "counted" }, { delayMs: 0 })));
  await until(
    async () =>
      (
        await place.query(
          "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
        )
      ).length === admins.length,
  );
  await holder.query("commit");
  expect(await counts).toEqual([{ count: 100 }, { count: 100 }]);

  const logger = listeningLogger();
  const counted = defineJob({ name: "counted", payload: type<number>() });
  const workers = [1, 2].map(() =>
    createWorker({
      database: place.pooled,
      listen: false,
      handlers: [handle(counted, () => {})],
      pollMs: 20,
      logger,
    }),
  );
  onTestFinished(async () => void (await Promise.all(workers.map((worker) => worker.stop()))));
  for (const worker of workers) await worker.start();
  await until(async () => (await place.query("select from pillion.archive")).length === 100);
  await Promise.all(workers.map((worker) => worker.stop()));
  expect(logger.lines).toEqual([]);
  expect(await place.leftovers()).toEqual(nothing);
});
