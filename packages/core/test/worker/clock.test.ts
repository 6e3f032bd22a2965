import { fileURLToPath } from "node:url";
import { defineJob, type } from "@pillion/core";
import { handle } from "@pillion/core/worker";
import { expect, test } from "vitest";
import { until } from "./queue.ts";
import { workerProcess } from "./worker-process.ts";
import { workshop } from "./workers.ts";

const shiftedClock = fileURLToPath(new URL("../schedule/shifted-clock.mjs", import.meta.url));
const hourMs = 3_600_000;
const other = handle(defineJob({ name: "other", payload: type<null>() }), () => {});

test.each([
  ["an hour fast", hourMs],
  ["an hour slow", -hourMs],
])(
  "a worker whose clock is %s changes nothing: run-at, retries, leases and what is recorded are by the database's clock",
  async (_, shiftMs) => {
    const { queue, work } = await workshop();
    const settings = { leaseMs: 1_000, preload: [shiftedClock], env: { SHIFT_MS: String(shiftMs) } };
    const wrong = await workerProcess(queue, settings);
    const held = await queue.add("slow");
    await wrong.says(`started ${held}`);
    // By a clock that is fast this is due by now; by one that is slow the others are not for an hour.
    const later = await queue.add("quick", null, { delayMs: hourMs / 2 });
    const soon = await queue.add("quick", null, { delayMs: 1_000 });
    const failing = await queue.add("failing", null, { maxAttempts: 2 });
    await queue.reaches(soon, "completed");
    await queue.reaches(failing, "dead");

    // Beside a worker whose clock is right both keep their leases, several times over.
    const { logger } = await work([other], { leaseMs: 1_000 });
    await until(async () => {
      const text =
        "select bool_and(heartbeat_at > started_at + interval '3 seconds') as all from pillion.worker";
      return (await queue.query(text))[0]!.all === true;
    });
    expect(logger.lines.filter((line) => line.includes("fell silent"))).toEqual([]);
    expect(await queue.admin.job(held)).toMatchObject({ state: "running", attempt: 1 });
    expect(await queue.admin.job(later)).toMatchObject({ state: "scheduled", attempt: 0 });

    const [{ waited, backoff, off }] = (await queue.query(
      `select (select extract(epoch from started_at - run_at)::float8 from pillion.archive where id = $1) as waited,
         (select extract(epoch from max(started_at) - min(finished_at))::float8 from pillion.attempts where job = $2) as backoff,
         (select extract(epoch from max(greatest(now() - started_at, started_at - now())))::float8 from pillion.attempts) as off`,
      [soon, failing],
    )) as unknown as [Record<"waited" | "backoff" | "off", number>];
    for (const [seconds, least, most] of [
      [waited, 0, 30],
      [backoff, 1, 30],
      [off, 0, 60],
    ] as const) {
      expect(seconds).toBeGreaterThanOrEqual(least);
      expect(seconds).toBeLessThan(most);
    }
  },
);
