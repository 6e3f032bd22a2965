import { defineJob, type } from "@pillion/core";
import { handle } from "@pillion/core/worker";
import { test } from "vitest";
import { until } from "./queue.ts";
import { workshop } from "./workers.ts";

test("a handler that keeps the event loop busy for longer than the lease is noticed, and its job is named", async () => {
  const { queue, work } = await workshop();
  const hog = defineJob({ name: "hog", payload: type<null>() });
  const leaseMs = 300;
  const { logger } = await work(
    [
      handle(hog, ({ signal }) => {
        const end = performance.now() + 2 * leaseMs;
        while (performance.now() < end);
        return new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      }),
    ],
    { leaseMs },
  );
  const id = await queue.add("hog");
  const noticed = new RegExp(
    `^this worker was silent for \\d+ ms, longer than its lease of 300 ms: a handler kept the event loop busy.* Running: job ${id} "hog" \\(attempt 1 of 20\\)`,
  );
  await until(() => logger.lines.some((line) => noticed.test(line)));
});
