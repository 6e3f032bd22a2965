import { Hosts } from "../hosts.ts";
import type { Options } from "../options.ts";
import { type Check, type Comparison, type Outcome, shown } from "../report/outcome.ts";
import { alternate, median, ratio, spread } from "../rounds.ts";
import { type Arm, ours, peers } from "./arms.ts";
import { drain } from "./drain.ts";
import { checkHistory } from "./history.ts";

/** How fast workers empty a queue that is full when they start. */
export async function drainBench(options: Options): Promise<Outcome> {
  const arms = options.peers ? { ...ours, ...peers } : ours;
  const jobs = options.quick ? 5_000 : 100_000;
  const rounds = options.rounds ?? (options.quick ? 1 : 5);
  return Hosts.use(async (hosts) => {
    const samples = await alternate(Object.keys(arms), { rounds, warmUp: options.quick ? 0 : 1 }, (name) =>
      measure(hosts, name, arms[name]!, jobs),
    );
    return outcomeOf(samples, jobs);
  });
}

async function measure(hosts: Hosts, name: string, arm: Arm, all: number): Promise<number> {
  const { system, mode, processes, handler, share = 1, limitMs = 60_000 } = arm;
  const host = await hosts.host(system);
  const jobs = Math.round(all * share);
  await host.system.clean(host.pool);
  await host.fill(mode, jobs);
  await host.settle();
  const workers = await hosts.workers(name, processes);
  const rate = await drain(host, workers, { mode, jobs, handler, limitMs });
  if (system === "pillion") await checkHistory(host.pool, jobs);
  return rate;
}

function outcomeOf(samples: Readonly<Record<string, readonly number[]>>, jobs: number): Outcome {
  const of = (name: string) => samples[name]!;
  const rate = (name: string) => median(of(name));
  const graphile = "graphile-worker, best";
  // What is tuned for a flood may be no faster on this machine: our best is whatever was.
  const fastest = (kind: string) =>
    ["best", "default"].map((mode) => `pillion, ${mode}${kind}`).toSorted((a, b) => rate(b) - rate(a))[0]!;
  const checks: Check[] = [
    {
      name: "jobs/s at default settings, in our best",
      value: ratio(of("pillion, default"), of(fastest(""))),
      atLeast: 0.5,
    },
    {
      name: "jobs/s at default settings with a 5 ms handler, in our best",
      value: ratio(of("pillion, default, 5 ms handler"), of(fastest(", 5 ms handler"))),
      atLeast: 0.5,
    },
    {
      name: "jobs/s of two processes, in those of one",
      value: ratio(of("pillion, best, 2 processes"), of("pillion, best")),
      atLeast: 1,
    },
    {
      name: "jobs/s of two processes with a 5 ms handler, in those of one",
      value: ratio(of("pillion, default, 5 ms handler, 2 processes"), of("pillion, default, 5 ms handler")),
      atLeast: 1,
    },
  ];
  if (graphile in samples)
    checks.unshift({
      name: "jobs/s of one process, in Graphile Worker's best",
      value: ratio(of(fastest("")), of(graphile)),
      atLeast: 2,
    });
  const names = Object.keys(samples);
  const reference = graphile in samples ? graphile : "pillion, best";
  return {
    tables: [
      {
        title: `${jobs.toLocaleString("en")} jobs are ready when the workers start (fewer for what is slow); each attempt is in the archive afterwards.`,
        head: ["arm", "jobs/s", `in ${reference}`, "middle half"],
        rows: names.map((name) => [
          name,
          shown(rate(name)),
          ratio(of(name), of(reference)).toFixed(3),
          spread(of(name), of(reference)),
        ]),
      },
    ],
    chart: {
      title: "Draining a full queue",
      unit: "jobs a second",
      bars: names.map((name) => ({ name, value: rate(name) })),
    },
    comparisons: comparisonsOf(names, rate),
    checks,
  };
}

/** Each of ours beside each peer's arm of the same kind. */
function comparisonsOf(names: readonly string[], rate: (name: string) => number): Comparison[] {
  return names.flatMap((name) => {
    const [system, ...kind] = name.split(", ");
    const twin = ["pillion", ...kind].join(", ");
    if (system === "pillion" || !names.includes(twin)) return [];
    return [
      {
        what: kind.join(", "),
        unit: "jobs/s",
        ours: rate(twin),
        peer: system!,
        theirs: rate(name),
        better: "higher",
      },
    ];
  });
}
