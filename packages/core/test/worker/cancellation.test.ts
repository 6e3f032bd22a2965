import { defineJob, RetryError, type } from "@pillion/core";
import { handle } from "@pillion/core/worker";
import { expect, test } from "vitest";
import { type TestQueue, until } from "./queue.ts";
import { workerProcess } from "./worker-process.ts";
import { workshop } from "./workers.ts";

const twice = defineJob({ name: "twice", payload: type<null>() });

/** A handler whose first attempt fails when it is told to, and whose later ones end by their signals alone. */
function untilCancelled() {
  let fail = () => {};
  const failing = new Promise<void>((resolve) => {
    fail = resolve;
  });
  const handler = handle(twice, async ({ attempt, signal }) => {
    const aborted = new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    await (attempt === 1 ? Promise.race([failing, aborted]) : aborted);
    throw new RetryError({ delayMs: 0 });
  });
  return { handler, fail: () => fail() };
}

/** A transaction that has cancelled the job, and is open. */
async function cancelling(queue: TestQueue, id: string) {
  const client = await queue.pool.connect();
  await client.query("begin");
  const { rows } = await client.query(`select ${queue.schema}.cancel($1::jsonb) as answer`, [
    JSON.stringify({ ids: [id] }),
  ]);
  expect(JSON.parse(rows[0].answer).ids).toEqual([id]);
  return async () => {
    await client.query("commit");
    client.release();
  };
}

/** Waits until an attempt runs. */
const runs = (queue: TestQueue, id: string, attempt: number) =>
  until(async () => {
    const job = (await queue.admin.job(id))!;
    return job.state === "running" && job.attempt === attempt;
  });

test("a job of a claim that is cancelled elsewhere hears it in another process, and ends as cancelled beside jobs that go on", async () => {
  const { queue } = await workshop();
  const ids = [await queue.add("slow"), await queue.add("slow"), await queue.add("slow")];
  const other = await workerProcess(queue);
  for (const id of ids) await other.says(`started ${id}`);
  expect(await queue.query("select from pillion.job")).toEqual([]);
  await queue.admin.cancel({ ids: [ids[1]!] });
  await other.says(`aborted ${ids[1]} JOB_CANCELLED`);
  await queue.reaches(ids[1]!, "cancelled");
  expect(await queue.query("select id::text, state from pillion.live order by id")).toEqual([
    { id: ids[0], state: "running" },
    { id: ids[2], state: "running" },
  ]);
});

test("a cancel that commits after its job has failed and runs again reaches the job in its next attempt", async () => {
  const { queue, work } = await workshop();
  const { handler, fail } = untilCancelled();
  await work([handler]);
  const id = await queue.add("twice");
  await queue.reaches(id, "running");
  const commit = await cancelling(queue, id);
  fail();
  await runs(queue, id, 2);
  await commit();
  await queue.reaches(id, "cancelled");
  expect((await queue.admin.job(id))!.attempts.map(({ outcome }) => outcome)).toEqual([
    "failed",
    "cancelled",
  ]);
  expect(await queue.query("select from pillion.cancellation")).toEqual([]);
});

test("a cancel that commits after its job was handed back and its worker is gone reaches whoever runs it next", async () => {
  const { queue, work } = await workshop();
  const { handler } = untilCancelled();
  const { worker } = await work([handler]);
  const id = await queue.add("twice", null, { maxAttempts: 5 });
  await queue.reaches(id, "running");
  const commit = await cancelling(queue, id);
  await worker.stop({ graceMs: 0 });
  await queue.reaches(id, "ready");
  await work([handler]);
  await runs(queue, id, 1);
  await commit();
  await queue.reaches(id, "cancelled");
  expect((await queue.admin.job(id))!.attempts.map(({ outcome }) => outcome)).toEqual([
    "released",
    "cancelled",
  ]);
});
