import type { Mode, SystemName } from "../arms/arm.ts";
import type { Hosts } from "../hosts.ts";
import type { Child } from "../processes/child.ts";
import type { Started, WorkerSettings } from "../processes/worker.ts";

export interface Arm {
  readonly system: SystemName;
  readonly mode: Mode;
  /** Of the samples of the others: what takes seconds is measured less often. */
  readonly share?: number;
}

/**
 * Milliseconds from COMMIT, sent by one process, to the start of the handler in another, which has nothing else to do.
 * All workers wait at the same time, each in a database of its own; the arms take turns, with a pause before each
 * sample, so that a worker has been idle for a while of no particular length.
 */
export async function commitToStart(
  hosts: Hosts,
  arms: Readonly<Record<string, Arm>>,
  { samples, pauseMs }: { readonly samples: number; readonly pauseMs: readonly [from: number, to: number] },
): Promise<Record<string, number[]>> {
  const names = Object.keys(arms);
  const pairs = new Map(
    await Promise.all(names.map(async (name) => [name, await pairOf(hosts, name, arms[name]!)] as const)),
  );
  const waits: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]));
  const warmUp = Math.min(20, samples);
  for (let i = 0; i < samples + warmUp; i++) {
    for (const name of i % 2 === 0 ? names : names.toReversed()) {
      const { share = 1 } = arms[name]!;
      if (waits[name]!.length >= samples * share) continue;
      await pause(pauseMs[0] + Math.random() * (pauseMs[1] - pauseMs[0]));
      const wait = await pairs.get(name)!.sample(i);
      if (i >= warmUp) waits[name]!.push(wait);
    }
  }
  for (const pair of pairs.values()) await pair.stop();
  return waits;
}

async function pairOf(hosts: Hosts, name: string, { system, mode }: Arm) {
  // Each in a database of its own: two workers of one system would take each other's jobs.
  const { url } = await hosts.host(system, name);
  const [worker] = (await hosts.workers(name)) as [Child];
  const producer = await hosts.producer(name);
  await producer.call("open", system, url, mode);
  await worker.call("start", { system, url, mode, handler: "stamp" } satisfies WorkerSettings);
  return {
    async sample(i: number): Promise<number> {
      const started = new Promise<number>((resolve) => {
        worker.on("event", function heard(event: Started) {
          if (event.i !== i) return;
          worker.off("event", heard);
          resolve(event.at);
        });
      });
      const committedAt = await producer.call<number>("one", i, 0);
      return (await started) - committedAt;
    },
    async stop() {
      await worker.call("stop");
      await producer.call("close");
    },
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
