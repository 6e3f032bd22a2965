import { Hosts } from "../hosts.ts";
import type { Options } from "../options.ts";
import { type Check, type Outcome, shown } from "../report/outcome.ts";
import { alternate, median } from "../rounds.ts";
import { type Arm, flow } from "./flow.ts";
import { longRun } from "./long-run.ts";

const ours: Readonly<Record<string, Arm>> = {
  "pillion, free": { system: "pillion", mode: "best", held: false },
  "pillion, snapshot held": { system: "pillion", mode: "best", held: true },
};
const peers: Readonly<Record<string, Arm>> = {
  "graphile-worker, free": { system: "graphile-worker", mode: "best", held: false },
  "graphile-worker, snapshot held": { system: "graphile-worker", mode: "best", held: true },
  "pg-boss, free": { system: "pg-boss", mode: "best", held: false },
  "pg-boss, snapshot held": { system: "pg-boss", mode: "best", held: true },
};

/** Whether the rate holds while jobs come and go, with and without a snapshot that keeps dead rows in the tables. */
export async function sustainedBench(options: Options): Promise<Outcome> {
  if (options.long) return longRun(options);
  const arms = options.peers ? { ...ours, ...peers } : ours;
  const forMs = options.quick ? 4_000 : 30_000;
  const stepMs = forMs / 20;
  const curves: Record<string, number[][]> = Object.fromEntries(Object.keys(arms).map((name) => [name, []]));
  await Hosts.use((hosts) =>
    alternate(
      Object.keys(arms),
      { rounds: options.rounds ?? (options.quick ? 1 : 3), warmUp: 0 },
      async (name) => {
        curves[name]!.push(await flow(hosts, name, arms[name]!, { forMs, stepMs }));
        return 0;
      },
    ),
  );
  return outcomeOf(curves, forMs, stepMs);
}

function outcomeOf(
  curves: Readonly<Record<string, readonly (readonly number[])[]>>,
  forMs: number,
  stepMs: number,
): Outcome {
  const names = Object.keys(curves);
  const first = (name: string) => curves[name]!.map((steps) => mean(steps.slice(0, 5)));
  const last = (name: string) => curves[name]!.map((steps) => mean(steps.slice(-5)));
  const kept = (name: string) => median(last(name).map((rate, round) => rate / first(name)[round]!));
  const [free, held, theirs] = [
    "pillion, free",
    "pillion, snapshot held",
    "graphile-worker, snapshot held",
  ] as const;
  const checks: Check[] = [
    { name: "last quarter of the run, in the first, free", value: kept(free), atLeast: 0.9 },
    { name: "last quarter of the run, in the first, snapshot held", value: kept(held), atLeast: 0.9 },
  ];
  if (theirs in curves)
    checks.push({
      name: "last quarter, snapshot held, in Graphile Worker's first",
      value: median(last(held).map((rate, round) => rate / first(theirs)[round]!)),
      atLeast: 2,
    });
  return {
    tables: [
      {
        title: `Jobs a second while one process puts jobs in and one takes them out, for ${forMs / 1_000} s, each at its best settings.`,
        head: ["arm", "first quarter", "last quarter", "last/first", "rounds"],
        rows: names.map((name) => [
          name,
          shown(median(first(name))),
          shown(median(last(name))),
          kept(name).toFixed(2),
          String(curves[name]!.length),
        ]),
      },
    ],
    chart: {
      title: "Putting in and taking out together",
      unit: "jobs a second, median of the rounds",
      along: "seconds",
      lines: names.map((name) => ({
        name,
        points: curves[name]![0]!.map((_, step) => [
          ((step + 0.5) * stepMs) / 1_000,
          median(curves[name]!.map((steps) => steps[step]!)),
        ]),
      })),
    },
    comparisons: names
      .filter((name) => !name.startsWith("pillion"))
      .map((name) => {
        const [peer, kind] = name.split(", ") as [string, string];
        return {
          what: `last quarter, ${kind}`,
          unit: "jobs/s",
          ours: median(last(`pillion, ${kind}`)),
          peer,
          theirs: median(last(name)),
          better: "higher" as const,
        };
      }),
    checks,
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
