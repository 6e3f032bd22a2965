import { Hosts } from "../hosts.ts";
import type { Options } from "../options.ts";
import type { Child } from "../processes/child.ts";
import type { Progress, WorkerSettings } from "../processes/worker.ts";
import { type Outcome, shown } from "../report/outcome.ts";

const quarters = ["first", "second", "third", "last"] as const;

/** What a worker's process holds while it runs a million jobs. */
export async function memoryBench({ quick }: Options): Promise<Outcome> {
  const jobs = quick ? 4_000 : 1_000_000;
  const seen = await Hosts.use((hosts) => rssOf(hosts, jobs));
  const most = quarters.map((_, quarter) =>
    Math.max(
      ...seen.filter(({ done }) => Math.min(3, Math.floor((done / jobs) * 4)) === quarter).map(mebibytes),
    ),
  );
  return {
    tables: [
      {
        title: `Resident memory of a worker at default settings while it runs ${jobs.toLocaleString("en")} jobs.`,
        head: ["quarter of the jobs", "most, MiB"],
        rows: quarters.map((quarter, index) => [quarter, shown(most[index]!)]),
      },
    ],
    chart: {
      title: "Resident memory of a worker",
      unit: "MiB",
      along: "jobs done",
      lines: [
        { name: "worker", points: thinned(seen).map((progress) => [progress.done, mebibytes(progress)]) },
      ],
    },
    checks: [
      { name: "most memory in the last quarter, in the second", value: most[3]! / most[1]!, atMost: 1.1 },
    ],
  };
}

async function rssOf(hosts: Hosts, jobs: number): Promise<Progress[]> {
  const host = await hosts.host("pillion");
  await host.fill("default", jobs);
  await host.settle();
  const [worker] = (await hosts.workers("memory")) as [Child];
  const seen: Progress[] = [];
  const finished = new Promise<void>((resolve) => {
    worker.on("event", (progress: Progress) => {
      seen.push(progress);
      if (progress.done >= jobs) resolve();
    });
  });
  await worker.call("start", {
    system: "pillion",
    url: host.url,
    mode: "default",
    handler: "noop",
  } satisfies WorkerSettings);
  await finished;
  await worker.call("stop");
  return seen;
}

function mebibytes({ rss }: Progress): number {
  return rss / 2 ** 20;
}

function thinned<Value>(values: readonly Value[]): Value[] {
  const step = Math.ceil(values.length / 400);
  return values.filter((_, index) => index % step === 0);
}
