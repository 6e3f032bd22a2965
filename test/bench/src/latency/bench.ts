import { Hosts } from "../hosts.ts";
import type { Options } from "../options.ts";
import { type Check, type Comparison, type Outcome, shown } from "../report/outcome.ts";
import { percentile } from "../rounds.ts";
import { type Arm, commitToStart } from "./commit-to-start.ts";
import { lateCommits } from "./late-commits.ts";

const ours: Readonly<Record<string, Arm>> = {
  "pillion, default": { system: "pillion", mode: "default" },
  "pillion, polling alone": { system: "pillion", mode: "polling" },
};
const peers: Readonly<Record<string, Arm>> = {
  "graphile-worker, default": { system: "graphile-worker", mode: "default" },
  "graphile-worker, best": { system: "graphile-worker", mode: "best", share: 0.25 },
  "pg-boss, default": { system: "pg-boss", mode: "default", share: 0.03 },
  "pg-boss, best": { system: "pg-boss", mode: "best", share: 0.25 },
};
const late = "pillion, commits 300 ms after the enqueue, beside 1,000 jobs/s";

/** How long a job waits for its start where nothing else keeps the worker busy, and where much does. */
export async function latencyBench(options: Options): Promise<Outcome> {
  const arms = options.peers ? { ...ours, ...peers } : ours;
  return Hosts.use(async (hosts) => {
    const waits = await commitToStart(hosts, arms, {
      samples: options.quick ? 40 : 2_000,
      pauseMs: [20, 180],
    });
    waits[late] = await lateCommits(hosts, {
      samples: options.quick ? 60 : 2_000,
      callers: 20,
      holdMs: 300,
      perSecond: 1_000,
    });
    return outcomeOf(waits);
  });
}

function outcomeOf(waits: Readonly<Record<string, readonly number[]>>): Outcome {
  const at = (name: string, share: number) => percentile(waits[name]!, share);
  const graphile = "graphile-worker, default";
  const checks: Check[] = [
    { name: "p50 by polling alone, ms", value: at("pillion, polling alone", 0.5), atMost: 100 },
    {
      name: "p99 of the wait after a COMMIT 300 ms after the enqueue, queue busy, ms",
      value: at(late, 0.99),
      atMost: 100,
    },
  ];
  if (graphile in waits)
    checks.unshift(
      ...[0.5, 0.95].map((share) => ({
        name: `p${share * 100} at default settings, in Graphile Worker's`,
        value: at("pillion, default", share) / at(graphile, share),
        atMost: 1,
      })),
    );
  const names = Object.keys(waits);
  const comparisons: Comparison[] = ["default", "best"].flatMap((mode) =>
    ["graphile-worker", "pg-boss"]
      .filter((peer) => `${peer}, ${mode}` in waits)
      .flatMap((peer) =>
        [0.5, 0.95, 0.99].map((share) => ({
          what: `p${share * 100} of commit to start, at its ${mode} settings, ours at default`,
          unit: "ms",
          ours: at("pillion, default", share),
          peer,
          theirs: at(`${peer}, ${mode}`, share),
          better: "lower" as const,
        })),
      ),
  );
  return {
    tables: [
      {
        title:
          "Milliseconds from COMMIT, sent by one process, to the handler's start in another; the worker is idle unless said.",
        head: ["arm", "p50", "p95", "p99", "most", "samples"],
        rows: names.map((name) => [
          name,
          ...[0.5, 0.95, 0.99, 1].map((share) => shown(at(name, share))),
          String(waits[name]!.length),
        ]),
      },
    ],
    chart: {
      title: "From COMMIT to the handler's start, p95",
      unit: "milliseconds",
      bars: names.map((name) => ({ name, value: at(name, 0.95) })),
    },
    comparisons,
    checks,
  };
}
