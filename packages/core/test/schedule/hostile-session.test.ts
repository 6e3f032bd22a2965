import { defineJob, type } from "@pillion/core";
import { createAdmin } from "@pillion/core/admin";
import { createWorker, handle, schedule } from "@pillion/core/worker";
import { expect, onTestFinished, test } from "vitest";
import { urlWith } from "../url-with.ts";
import { listeningLogger, testQueue, until } from "../worker/queue.ts";
import { expectEachOnce, firedSlots } from "./slots.ts";

test("schedules are stored, listed and fired whatever a role's settings are", async () => {
  const queue = await testQueue();
  const settings = {
    default_transaction_isolation: "serializable",
    TimeZone: "Asia/Kathmandu",
    DateStyle: "SQL,DMY",
    IntervalStyle: "sql_standard",
    search_path: "pg_catalog",
    standard_conforming_strings: "off",
  };
  const database = urlWith(settings, undefined, queue.url);
  const tick = defineJob({ name: "tick", payload: type<string>() });
  const ticks = schedule({ name: "it's \\ticks", everyMs: 100, job: tick("a 'quoted' \\text") });
  const logger = listeningLogger();
  const workers = [1, 2].map(() =>
    createWorker({
      database,
      logger,
      schema: queue.schema,
      handlers: [handle(tick, () => {})],
      schedules: [ticks],
    }),
  );
  onTestFinished(async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
    await queue.drop();
  });
  await Promise.all(workers.map((worker) => worker.start()));
  await until(async () => (await firedSlots(queue, ticks.name)).length >= 10);
  expectEachOnce(await firedSlots(queue, ticks.name), 100);
  expect(logger.lines).toEqual([]);
  const admin = createAdmin({ database, schema: queue.schema });
  onTestFinished(() => admin.close());
  const [record] = await admin.schedules.list();
  expect(record).toMatchObject({ name: ticks.name, everyMs: 100, job: { payload: "a 'quoted' \\text" } });
  expect(record!.lastSlot!.getTime() % 100).toBe(0);
});
