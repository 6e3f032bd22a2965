import { drain } from "../drain/drain.ts";
import { Hosts } from "../hosts.ts";
import type { Options } from "../options.ts";
import { type Comparison, type Outcome, shown } from "../report/outcome.ts";
import { alternate, median, ratio, spread } from "../rounds.ts";
import type { Host } from "../server.ts";
import { ours, peers, type Scene, sweep } from "./scenes.ts";

const arms = ["empty", "beside"] as const;
type Samples = Record<(typeof arms)[number], number[]>;

interface Extent {
  readonly jobs: number;
  readonly others: number;
  readonly rounds: number;
  readonly limitMs: number;
}

/** Whether a drain stays as fast beside many rows that it has nothing to do with. */
export async function growthBench({ peers: withPeers, quick, rounds }: Options): Promise<Outcome> {
  const extent: Extent = quick
    ? { jobs: 2_000, others: 100_000, rounds: 1, limitMs: 5_000 }
    : { jobs: 100_000, others: 1_000_000, rounds: rounds ?? 5, limitMs: 30_000 };
  const scenes = withPeers ? [...ours, ...peers] : ours;
  const found: { scene: Scene; samples: Samples }[] = [];
  // A server for each scene: a million rows weigh on the next one's checkpoints.
  for (const scene of scenes) found.push({ scene, samples: await inScene(scene, extent) });
  return outcomeOf(found, extent);
}

async function inScene(scene: Scene, { jobs, others, rounds, limitMs }: Extent): Promise<Samples> {
  return Hosts.use(async (hosts) => {
    const hostOf = {
      empty: await hosts.host(scene.system, "empty"),
      beside: await hosts.host(scene.system, "beside"),
    };
    for (const host of Object.values(hostOf)) await scene.settle?.(host.pool);
    await scene.make(hostOf.beside, others);
    return alternate(arms, { rounds, warmUp: 1 }, (arm) => measure(hosts, hostOf[arm], jobs, limitMs));
  });
}

async function measure(hosts: Hosts, host: Host, jobs: number, limitMs: number): Promise<number> {
  const { system, pool } = host;
  await pool.query(sweep[system.name]);
  const mode = "beside" in system.modes ? "beside" : "best";
  await host.fill(mode, jobs);
  await host.settle();
  const workers = await hosts.workers(system.name);
  // Whether a job is still held is not asked: beside a million rows that would be what takes the time.
  return drain(host, workers, { mode, jobs, limitMs, untilWritten: false });
}

function outcomeOf(
  found: readonly { readonly scene: Scene; readonly samples: Samples }[],
  { jobs, others }: Extent,
): Outcome {
  const kept = ({ samples }: { samples: Samples }) => ratio(samples.beside, samples.empty);
  const named = ({ scene: { system, name } }: { scene: Scene }) => `${system}, ${name}`;
  const million = others.toLocaleString("en");
  return {
    tables: [
      {
        title: `A drain of ${jobs.toLocaleString("en")} jobs beside ${million} others, and in a database without them, jobs a second.`,
        head: ["others", "empty", "beside them", "kept", "middle half"],
        rows: found.map((scene) => [
          named(scene),
          shown(median(scene.samples.empty)),
          shown(median(scene.samples.beside)),
          kept(scene).toFixed(3),
          spread(scene.samples.beside, scene.samples.empty),
        ]),
      },
    ],
    chart: {
      title: `What is kept of a drain's rate beside ${million} other rows`,
      unit: "of the rate in an empty table",
      bars: found.map((scene) => ({ name: named(scene), value: kept(scene) })),
    },
    comparisons: found.flatMap((theirs): Comparison[] => {
      const twin = found.find(({ scene }) => scene.system === "pillion" && scene.name === theirs.scene.name);
      if (theirs.scene.system === "pillion" || !twin) return [];
      return [
        {
          what: `rate kept beside ${million} rows: ${theirs.scene.name}`,
          unit: "of the rate without them",
          ours: kept(twin),
          peer: theirs.scene.system,
          theirs: kept(theirs),
          better: "higher",
        },
      ];
    }),
    checks: found
      .filter(({ scene }) => scene.system === "pillion")
      .map((scene) => ({
        name: `jobs/s kept beside ${million} rows: ${scene.scene.name}`,
        value: kept(scene),
        atLeast: 0.9,
      })),
  };
}
