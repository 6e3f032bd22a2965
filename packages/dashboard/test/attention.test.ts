import { defineJob, type } from "@pillion/core";
import { createWorker, handle } from "@pillion/core/worker";
import { expect, onTestFinished, test } from "vitest";
import type { Overview } from "../src/api.ts";
import { testBoard } from "./board.ts";

const story = defineJob({ name: "story", payload: type<unknown>() });

test("the overview tells what needs somebody, the worst first: a silent worker, no worker, a late queue, a paused one", async () => {
  const board = await testBoard();
  // Each time another question: what was answered a moment ago is shared.
  let minutes = 0;
  const attention = async () =>
    ((await board.get(`api/overview?minutes=${++minutes}`)).body as Overview).attention.map(
      ({ code, severity, queue, page }) => [code, severity, queue, page],
    );
  expect(await attention()).toEqual([]);

  await board.admin.pause("idle");
  await board.add("story", null, { queue: "orphan" });
  await board.admin.pause("default");
  await board.add("story");
  expect(await attention()).toEqual([
    ["NO_WORKER", "critical", "default", "workers"],
    ["NO_WORKER", "critical", "orphan", "workers"],
    ["QUEUE_PAUSED", "warning", "default", "queues"],
    ["QUEUE_PAUSED", "info", "idle", "queues"],
  ]);

  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const worker = createWorker({
    database: board.url,
    schema: board.schema,
    logger: false,
    pollMs: 50,
    concurrency: 1,
    handlers: [handle(story, () => held)],
  });
  onTestFinished(() => worker.stop({ graceMs: 0 }));
  await worker.start();
  await board.admin.resume("default");
  await board.admin.resume("idle");
  await board.admin.purge("orphan");
  await expect
    .poll(async () => (await board.admin.queues()).find(({ name }) => name === "default")?.running, {
      timeout: 60_000,
    })
    .toBe(1);
  expect(await attention()).toEqual([]);
  await board.add("story");
  await board.query("update pillion.job set run_at = run_at - interval '10 min'");
  await board.query("update pillion.worker set heartbeat_at = now() - interval '1 h'");
  expect(await attention()).toEqual([
    ["WORKER_SILENT", "critical", null, "workers"],
    ["NO_WORKER", "critical", "default", "workers"],
    ["QUEUE_LATE", "critical", "default", "jobs?queue=default&state=ready"],
  ]);
  release();
});
