import type { Mode, SystemName } from "../arms/arm.ts";
import type { Hosts } from "../hosts.ts";
import type { Child } from "../processes/child.ts";
import { now } from "../processes/serve.ts";
import type { Progress, WorkerSettings } from "../processes/worker.ts";
import type { Host } from "../server.ts";
import { holdSnapshot } from "./snapshot.ts";

export interface Arm {
  readonly system: SystemName;
  readonly mode: Mode;
  /** Whether a snapshot is held open all the time. */
  readonly held: boolean;
}

/** How many jobs wait, at most and about: enough that the worker never runs out. */
const backlog = 2_000;
const batch = 500;
const warmUpMs = 3_000;

/**
 * Jobs a second of a process that puts jobs in and a worker that takes them out, together, for a while: one figure for
 * each `stepMs`. The flow runs before it counts, without the snapshot, until the code is warm.
 */
export async function flow(
  hosts: Hosts,
  name: string,
  arm: Arm,
  { forMs, stepMs }: { readonly forMs: number; readonly stepMs: number },
): Promise<number[]> {
  const host = await hosts.host(arm.system);
  const [worker] = (await hosts.workers(name)) as [Child];
  const producer = await hosts.producer(name);
  await producer.call("open", arm.system, host.url, arm.mode);
  try {
    await run(host, worker, producer, arm, Math.min(warmUpMs, forMs));
    const release = arm.held ? await holdSnapshot(host.url) : undefined;
    const times = await run(host, worker, producer, arm, forMs);
    await release?.();
    const steps = Array.from({ length: Math.floor(forMs / stepMs) }, (_, step) => (step + 1) * stepMs);
    return steps.map((end) => ((doneAt(times, end) - doneAt(times, end - stepMs)) / stepMs) * 1_000);
  } finally {
    await producer.call("close");
  }
}

type Times = readonly (readonly [ms: number, done: number])[];

/** How much is done, at each time that the worker said it. */
async function run(host: Host, worker: Child, producer: Child, arm: Arm, forMs: number): Promise<Times> {
  await host.system.clean(host.pool);
  await host.settle();
  const times: [number, number][] = [[0, 0]];
  let done = 0;
  let start = 0;
  const heard = (progress: Progress) => {
    done = progress.done;
    if (start > 0) times.push([now() - start, done]);
  };
  worker.on("event", heard as never);
  await host.fill(arm.mode, backlog);
  await worker.call("start", {
    system: arm.system,
    url: host.url,
    mode: arm.mode,
    handler: "noop",
  } satisfies WorkerSettings);
  let put = backlog;
  start = now();
  times[0] = [0, done];
  while (now() - start < forMs) {
    if (put - done < backlog) {
      await producer.call("many", batch);
      put += batch;
    } else await new Promise((resolve) => setTimeout(resolve, 2));
  }
  worker.off("event", heard as never);
  await worker.call("stop");
  return times;
}

/** Between two reports the worker was as fast as on average between them. */
function doneAt(times: Times, ms: number): number {
  const after = times.findIndex(([at]) => at >= ms);
  if (after < 0) return times.at(-1)![1];
  const [at, done] = times[after]!;
  const [atBefore, doneBefore] = times[Math.max(0, after - 1)]!;
  return at === atBefore ? done : doneBefore + ((ms - atBefore) / (at - atBefore)) * (done - doneBefore);
}
