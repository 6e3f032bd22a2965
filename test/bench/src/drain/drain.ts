import type { Mode } from "../arms/arm.ts";
import type { Child } from "../processes/child.ts";
import { now } from "../processes/serve.ts";
import type { Progress, WorkerSettings } from "../processes/worker.ts";
import type { Host } from "../server.ts";

export interface DrainOptions {
  readonly mode: Mode;
  readonly jobs: number;
  readonly handler?: WorkerSettings["handler"] | undefined;
  /** The time after which the rate is taken from what is done by then. */
  readonly limitMs: number;
  /** Whether the end is when all outcomes are written (the usual), or when the last handler was called. */
  readonly untilWritten?: boolean;
}

/**
 * Jobs a second of workers that find the queue full: from the first handler's start until every outcome is written.
 * The jobs are in the queue already.
 */
export async function drain(host: Host, crew: readonly Child[], options: DrainOptions): Promise<number> {
  const { mode, jobs, handler = "noop", limitMs, untilWritten = true } = options;
  const progress = crew.map((): Progress => ({ done: 0, firstAt: Number.POSITIVE_INFINITY, rss: 0 }));
  let firstAt = Number.POSITIVE_INFINITY;
  const done = () => progress.reduce((sum, { done }) => sum + done, 0);
  const heard = crew.map((_, index) => (event: Progress) => {
    progress[index] = event;
    firstAt = Math.min(firstAt, event.firstAt);
  });
  crew.forEach((child, index) => void child.on("event", heard[index] as never));
  try {
    const settings: WorkerSettings = { system: host.system.name, url: host.url, mode, handler };
    await Promise.all(crew.map((child) => child.call("start", settings)));
    const until = now() + limitMs;
    while (done() < jobs && now() < until) await pause(2);
    let endAt = now();
    if (done() >= jobs && untilWritten) {
      while (await host.system.holds(host.pool)) await pause(2);
      endAt = now();
    }
    const startAt = Number.isFinite(firstAt) ? firstAt : endAt - limitMs;
    return (Math.min(done(), jobs) / (endAt - startAt)) * 1_000;
  } finally {
    await Promise.all(crew.map((child) => child.call("stop")));
    crew.forEach((child, index) => void child.off("event", heard[index] as never));
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
