import { defineJob, type } from "@pillion/core";
import { createWorker, handle, schedule, type Worker } from "@pillion/core/worker";
import { afterEach, beforeEach, expect, test } from "vitest";
import { listeningLogger, type TestQueue, testQueue, until } from "../worker/queue.ts";
import { expectEachOnce, firedSlots } from "./slots.ts";

let queue: TestQueue;
let worker: Worker;
const logger = listeningLogger();
const tick = defineJob({ name: "tick", payload: type<null>() });
const good = schedule({ name: "good", everyMs: 100, job: tick(null) });
beforeEach(async () => {
  queue = await testQueue();
  logger.lines.length = 0;
  worker = createWorker({
    database: queue.url,
    schema: queue.schema,
    handlers: [handle(tick, () => {})],
    schedules: [good],
    logger,
  });
});
afterEach(async () => {
  await worker.stop();
  await queue.drop();
});

const fired = async (name: string) => (await firedSlots(queue, name)).length;
/** Looks for a while, counted in slots of the good schedule. */
const goodGoesOn = async () => {
  const before = await fired("good");
  await until(async () => (await fired("good")) >= before + 10);
  expectEachOnce(await firedSlots(queue, "good"), 100);
};

test.each([
  ["a cron line that is none", { cron: "'often'", time_zone: "'UTC'" }, /its cron line "often"/],
  [
    "a zone that there is not",
    { cron: "'* * * * * *'", time_zone: "'Mars/Base'" },
    /"Mars\/Base" is no time zone/,
  ],
  [
    "a time that no Date can hold",
    { every_ms: "100", passed: "'infinity'" },
    /is no time that can be worked with/,
  ],
])(
  "a schedule with %s, written by hand, is named once a minute, and keeps no other from being fired",
  async (_, columns, problem) => {
    // More of them than one look takes, all due before the good one.
    await queue.query(
      `insert into pillion.schedule (name, job_name, payload, ${Object.keys(columns).join(", ")})
       select 'bad ' || n, 'tick', 'null', ${Object.values(columns).join(", ")} from generate_series(1, 150) n`,
    );
    await worker.start();
    await goodGoesOn();
    await goodGoesOn();
    const about = (name: string) => logger.lines.filter((line) => line.includes(`schedule "${name}" `));
    for (const name of ["bad 1", "bad 150"]) {
      expect(about(name)).toHaveLength(1);
      expect(about(name)[0]).toMatch(problem);
      expect(about(name)[0]).toMatch(/trying again in a minute$/);
    }
    expect(logger.lines).toHaveLength(150);
    const [record] = (await queue.admin.schedules.list()).filter(({ name }) => name === "bad 1");
    expect(record).toMatchObject({ nextSlot: null, problem: expect.stringMatching(problem) });
  },
);

test("a schedule whose job the database refuses is named, and keeps no other from being fired", async () => {
  await queue.query(
    `create function pillion.refuse() returns trigger language plpgsql as $$
     begin
       raise exception 'no room for %', new.headers ->> 'tenant' using errcode = 'check_violation';
     end $$;
     create trigger refuse before insert on pillion.job for each row
     when (new.headers ->> 'tenant' = 'full') execute function pillion.refuse()`,
  );
  const job = tick(null, { headers: { tenant: "full" } });
  await queue.admin.schedules.set(schedule({ name: "bad", everyMs: 100, job }));
  await worker.start();
  await goodGoesOn();
  expect(logger.lines).toEqual([
    'schedule "bad" could not be fired: error: no room for full; trying again in a minute',
  ]);
  expect(await fired("bad")).toBe(0);
});
