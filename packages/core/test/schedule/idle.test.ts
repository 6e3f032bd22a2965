import { type Database, defineJob, type } from "@pillion/core";
import { createWorker, handle, schedule } from "@pillion/core/worker";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { listeningLogger, type TestQueue, testQueue, until } from "../worker/queue.ts";
import { expectEachOnce, firedSlots } from "./slots.ts";

const logger = listeningLogger();
const tick = defineJob({ name: "tick", payload: type<null>() });

/** A worker that runs already, and the statements that it has sent; `after` is told of each when it is over. */
async function watchedWorker(
  queue: TestQueue,
  { pollMs = 1_000, after = (_: string) => {} } = {},
): Promise<string[]> {
  const sent: string[] = [];
  const database: Database = {
    name: "watched pool",
    run: async ({ text, values }) => {
      sent.push(text);
      const { rows } = await queue.pool.query(text, [...values]);
      after(text);
      return rows;
    },
  };
  const worker = createWorker({
    database,
    schema: queue.schema,
    handlers: [handle(tick, () => {})],
    pollMs,
    logger,
  });
  await worker.start();
  onTestFinished(async () => {
    await worker.stop();
    await queue.drop();
  });
  return sent;
}

const beats = (sent: readonly string[]) => sent.filter((text) => text.includes(".tick("));
const looks = (sent: readonly string[]) =>
  sent.filter((text) => text.includes(".schedule s") && !text.includes(".tick("));

test("where no schedule is due a worker asks for none: it is told by its beat", async () => {
  const queue = await testQueue();
  const sent = await watchedWorker(queue, { pollMs: 20 });
  await until(() => beats(sent).length >= 10);
  expect(looks(sent)).toEqual([]);
  // Set at run time: looked at to work out its first slot, and then left alone until that comes.
  await queue.admin.schedules.set(schedule({ name: "yearly", cron: "@yearly", job: tick(null) }));
  await until(() => looks(sent).length >= 2);
  const tenBeats = async () => {
    const before = beats(sent).length;
    await until(() => beats(sent).length >= before + 10);
    return looks(sent).length;
  };
  // A beat that was under way at that time may have one more look.
  const settled = await tenBeats();
  expect(await tenBeats()).toBe(settled);
  expect(await firedSlots(queue, "yearly")).toEqual([]);
});

test("a schedule that somebody has locked is waited for without haste, while the others are fired", async () => {
  const queue = await testQueue();
  for (const name of ["locked", "free"])
    await queue.admin.schedules.set(schedule({ name, everyMs: 100, job: tick(null) }));
  const tx = new pg.Client({ connectionString: queue.url });
  await tx.connect();
  await tx.query(`begin; select from "${queue.schema}".schedule where name = 'locked' for update`);
  const sent = await watchedWorker(queue);
  onTestFinished(() => tx.end());
  await until(async () => (await firedSlots(queue, "free")).length >= 20);
  const [before, slots] = [looks(sent).length, (await firedSlots(queue, "free")).length];
  await until(async () => (await firedSlots(queue, "free")).length >= slots + 20);
  // A look and a try to fire for each slot of the free one, and hardly more.
  const each = (looks(sent).length - before) / 20;
  expect(each).toBeLessThan(4);
  expect(await firedSlots(queue, "locked")).toEqual([]);
  await tx.query("commit");
  // It was late by less than a minute: every slot gets its job.
  const free = (await firedSlots(queue, "free")).length;
  await until(async () => (await firedSlots(queue, "locked")).length >= free);
  expectEachOnce(await firedSlots(queue, "locked"), 100);
});

test("a slot that was fired by a statement whose answer was lost is not fired again", async () => {
  const queue = await testQueue();
  await queue.admin.schedules.set(schedule({ name: "ticks", everyMs: 100, job: tick(null) }));
  logger.lines.length = 0;
  let lost = 0;
  const fires = (text: string) => text.includes("jsonb_array_elements_text(h.slots)");
  const after = (text: string) => {
    if (fires(text) && lost++ % 2 === 0) throw new Error("the connection broke");
  };
  await watchedWorker(queue, { pollMs: 20, after });
  await until(async () => lost > 5 && (await firedSlots(queue, "ticks")).length >= 10);
  expectEachOnce(await firedSlots(queue, "ticks"), 100);
  expect(logger.lines).toContain("could not fire schedules, trying again: Error: the connection broke");
});
