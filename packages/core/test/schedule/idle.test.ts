import { type Database, defineJob, type } from "@pillion/core";
import { createWorker, handle, schedule } from "@pillion/core/worker";
import { expect, onTestFinished, test } from "vitest";
import { type TestQueue, testQueue, until } from "../worker/queue.ts";
import { firedSlots } from "./slots.ts";

const tick = defineJob({ name: "tick", payload: type<null>() });

/** A worker that runs already, and the statements that it has sent. */
async function watchedWorker(queue: TestQueue): Promise<string[]> {
  const sent: string[] = [];
  const database: Database = {
    name: "watched pool",
    run: async ({ text, values }) => {
      sent.push(text);
      return (await queue.pool.query(text, [...values])).rows;
    },
  };
  const worker = createWorker({
    database,
    schema: queue.schema,
    handlers: [handle(tick, () => {})],
    pollMs: 20,
  });
  await worker.start();
  onTestFinished(async () => {
    await worker.stop();
    await queue.drop();
  });
  return sent;
}

const promotes = (sent: readonly string[]) => sent.filter((text) => text.includes('as "scheduleMs"'));
const looks = (sent: readonly string[]) =>
  sent.filter((text) => text.includes(".schedule s") && !text.includes('as "scheduleMs"'));

test("where no schedule is due a worker asks for none: it is told by the statement that promotes jobs", async () => {
  const queue = await testQueue();
  const sent = await watchedWorker(queue);
  await until(() => promotes(sent).length >= 10);
  expect(looks(sent)).toEqual([]);
  // Set at run time: looked at once, to work out its first slot, and then left alone until that comes.
  await queue.admin.schedules.set(schedule({ name: "yearly", cron: "@yearly", job: tick(null) }));
  await until(() => looks(sent).length >= 2);
  const before = promotes(sent).length;
  await until(() => promotes(sent).length >= before + 10);
  expect(looks(sent)).toHaveLength(2);
  expect(await firedSlots(queue, "yearly")).toEqual([]);
});
