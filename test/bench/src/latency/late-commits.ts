import type { Hosts } from "../hosts.ts";
import type { Child } from "../processes/child.ts";
import type { Started, WorkerSettings } from "../processes/worker.ts";

/**
 * Milliseconds from COMMIT to the handler's start for callers that keep their transaction open for a while after the
 * enqueue, beside a standing flow of jobs: by then the worker has long passed the place where the job stands.
 */
export async function lateCommits(
  hosts: Hosts,
  {
    samples,
    callers,
    holdMs,
    perSecond,
  }: {
    readonly samples: number;
    readonly callers: number;
    readonly holdMs: number;
    readonly perSecond: number;
  },
): Promise<number[]> {
  const name = "late commits";
  const system = "pillion";
  const mode = "default";
  const { url } = await hosts.host(system, name);
  const [worker] = (await hosts.workers(name)) as [Child];
  const flow = await hosts.producer(`${name}, flow`);
  const late = await hosts.producer(name);
  await flow.call("open", system, url, mode);
  await late.call("open", system, url, mode);
  const startedAt = new Map<number, (at: number) => void>();
  worker.on("event", (event: Started) => startedAt.get(event.i)?.(event.at));
  await worker.call("start", { system, url, mode, handler: "stamp" } satisfies WorkerSettings);
  await flow.call("startFlow", perSecond, 5);

  const waits: number[] = [];
  let next = 0;
  const caller = async () => {
    while (next < samples) {
      const i = next++;
      const started = new Promise<number>((resolve) => startedAt.set(i, resolve));
      const committedAt = await late.call<number>("one", i, holdMs);
      waits.push((await started) - committedAt);
      startedAt.delete(i);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  await flow.call("stopFlow");
  await worker.call("stop");
  await flow.call("close");
  await late.call("close");
  return waits;
}
