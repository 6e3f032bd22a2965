import type { QueueRecord, ThroughputBucket } from "@pillion/core/admin";
import type { Command } from "commander";
import { withAdmin } from "../connect.ts";
import { databaseCommand, type Shared } from "../options.ts";
import { tableOf } from "../output/table.ts";
import { duration, line, number, styled, time } from "../output/text.ts";

/** `pillion status`: the queues at a glance. */
export function statusCommand(): Command {
  return databaseCommand("status", "Show every queue: what waits, runs, is scheduled and is dead.").action(
    run,
  );
}

async function run(options: Shared): Promise<void> {
  const queues = await withAdmin(options, async (admin) => {
    const found = await admin.queues();
    const rates = ratesOf(await admin.throughput({ minutes: 1, bucketSeconds: 5 }));
    return found.map((queue) => ({ ...queue, ...(rates.get(queue.name) ?? still) }));
  });
  if (options.json) return console.log(JSON.stringify({ schema: options.schema, queues }));
  if (queues.length === 0)
    return console.log(`There are no queues in the schema ${options.schema}: no jobs, and no workers.`);
  console.log(
    tableOf(queues, [
      { title: "QUEUE", cell: ({ name }) => line(name) },
      { title: "READY", cell: ({ ready, readyMore }) => counted(ready, readyMore), right: true },
      { title: "RUNNING", cell: ({ running }) => counted(running), right: true },
      { title: "PER SECOND", cell: ({ completedPerSecond }) => rate(completedPerSecond), right: true },
      { title: "FAILING", cell: failing, right: true },
      { title: "SCHEDULED", cell: ({ scheduled }) => counted(scheduled), right: true },
      { title: "DEAD", cell: ({ dead }) => (dead ? styled("red", counted(dead)) : "0"), right: true },
      { title: "OLDEST", cell: ({ oldestReadyMs: ms }) => (ms === null ? "-" : duration(ms)), right: true },
      { title: "", cell: noteOn },
    ]),
  );
}

type Status = QueueRecord & typeof still;

/** Over the last minute: jobs that completed, and attempts that failed, whether their job is dead or tried again. */
const still = { completedPerSecond: 0, failedPerSecond: 0 };

function ratesOf(buckets: readonly ThroughputBucket[]): ReadonlyMap<string, typeof still> {
  const sums = new Map<string, { seconds: number; completed: number; failed: number }>();
  for (const { queue, seconds, completed, failed, dead } of buckets) {
    const sum = sums.get(queue) ?? { seconds: 0, completed: 0, failed: 0 };
    sums.set(queue, {
      seconds: sum.seconds + seconds,
      completed: sum.completed + completed,
      failed: sum.failed + failed + dead,
    });
  }
  const perSecond = (count: number, seconds: number) => Math.round((count / seconds) * 100) / 100;
  return new Map(
    [...sums].map(([queue, { seconds, completed, failed }]) => [
      queue,
      { completedPerSecond: perSecond(completed, seconds), failedPerSecond: perSecond(failed, seconds) },
    ]),
  );
}

const rate = (perSecond: number) => (perSecond >= 10 ? number(Math.round(perSecond)) : String(perSecond));

function failing({ failedPerSecond }: Status): string {
  return failedPerSecond === 0 ? "0" : styled("red", rate(failedPerSecond));
}

/** Where the counts stop. */
const most = 10_000;

const counted = (jobs: number, more = jobs >= most) => `${number(jobs)}${more ? "+" : ""}`;

function noteOn({ pausedAt }: QueueRecord): string {
  return pausedAt === null ? "" : styled("yellow", `paused since ${time(pausedAt)}`);
}
