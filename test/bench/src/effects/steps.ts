import { scratchDatabase } from "@pillion/dev-postgres";
import pg from "pg";
import { Child } from "../processes/child.ts";
import { now } from "../processes/serve.ts";
import { type Check, type Comparison, type Part, shown } from "../report/outcome.ts";
import { alternate, median, ratio, spread } from "../rounds.ts";
import { type StepMode, type Stepper, type StepperName, stepperOf, stepsOfJob } from "./stepper.ts";

interface Arm {
  readonly system: StepperName;
  readonly mode: StepMode;
  /** Of the jobs: what is slow is measured on fewer. */
  readonly share: number;
}

const ours: Readonly<Record<string, Arm>> = {
  "pillion, best": { system: "pillion", mode: "best", share: 1 },
  "pillion, default": { system: "pillion", mode: "default", share: 1 },
  "pillion, one at a time": { system: "pillion", mode: "one", share: 0.05 },
};
const peers: Readonly<Record<string, Arm>> = {
  "absurd-sdk, best": { system: "absurd-sdk", mode: "best", share: 0.25 },
  "absurd-sdk, one at a time": { system: "absurd-sdk", mode: "one", share: 0.05 },
};

interface Extent {
  readonly rounds: number;
  readonly jobs: number;
  readonly peers: boolean;
}

interface Found extends Part {
  readonly bars: readonly { readonly name: string; readonly value: number }[];
  readonly comparisons: readonly Comparison[];
}

/** Jobs of ten steps; each step's answer is on the disk before the next step begins. */
export async function steps(server: string, { rounds, jobs, peers: withPeers }: Extent): Promise<Found> {
  const arms = withPeers ? { ...ours, ...peers } : ours;
  const benches: Partial<Record<StepperName, SystemUnderTest>> = {};
  try {
    for (const system of new Set(Object.values(arms).map(({ system }) => system)))
      benches[system] = await SystemUnderTest.open(server, system);
    const samples = await alternate(Object.keys(arms), { rounds }, (name) => {
      const { system, mode, share } = arms[name]!;
      return benches[system]!.measure(mode, Math.round(jobs * share));
    });
    return foundOf(samples, jobs);
  } finally {
    for (const bench of Object.values(benches)) await bench.close();
  }
}

/** A system in a database of its own, with a worker's process for each mode. */
class SystemUnderTest {
  readonly #children = new Map<StepMode, Child>();

  private constructor(
    private readonly name: StepperName,
    private readonly stepper: Stepper,
    private readonly database: Awaited<ReturnType<typeof scratchDatabase>>,
    private readonly pool: pg.Pool,
  ) {}

  static async open(server: string, name: StepperName): Promise<SystemUnderTest> {
    const database = await scratchDatabase(server, "bench");
    const pool = new pg.Pool({ connectionString: database.url, max: 2 });
    const bench = new SystemUnderTest(name, await stepperOf(name), database, pool);
    await bench.stepper.prepare(pool).catch(async (error: unknown) => {
      await bench.close();
      throw error;
    });
    return bench;
  }

  /** Jobs a second: from the worker's start until every job's end is written. */
  async measure(mode: StepMode, jobs: number): Promise<number> {
    const { stepper, pool } = this;
    await stepper.fill(pool, jobs);
    await pool.query("vacuum (analyze)");
    // Only a superuser may.
    await pool.query("checkpoint").catch(() => {});
    const child = this.#children.get(mode) ?? (await Child.start("stepper"));
    this.#children.set(mode, child);
    const startAt = await child.call<number>("run", this.name, this.database.url, mode, jobs);
    while (await stepper.holds(pool)) await new Promise((resolve) => setTimeout(resolve, 1));
    const seconds = (now() - startAt) / 1_000;
    await child.call("stop");
    const written = await stepper.written(pool);
    if (written.jobs !== jobs || written.steps !== jobs * stepsOfJob)
      throw new Error(
        `${this.name} has completed ${written.jobs} of ${jobs} jobs, and recorded ${written.steps} steps.`,
      );
    return jobs / seconds;
  }

  async close(): Promise<void> {
    for (const child of this.#children.values()) child.end();
    await this.pool.end();
    await this.database.drop();
  }
}

function foundOf(samples: Readonly<Record<string, readonly number[]>>, jobs: number): Found {
  const names = Object.keys(samples);
  const rate = (name: string) => median(samples[name]!);
  const kinds = ["best", "one at a time"].filter((kind) => `absurd-sdk, ${kind}` in samples);
  const ratioTo = (kind: string) => ratio(samples[`pillion, ${kind}`]!, samples[`absurd-sdk, ${kind}`]!);
  const reference = kinds.length > 0 ? "absurd-sdk, best" : "pillion, best";
  const checks: Check[] = kinds.slice(0, 1).map((kind) => ({
    name: `jobs/s of ${stepsOfJob} steps each, in absurd-sdk's, both at their best`,
    value: ratioTo(kind),
    atLeast: 5,
  }));
  return {
    checks,
    bars: names.map((name) => ({ name, value: rate(name) })),
    comparisons: kinds.map((kind) => ({
      what: `jobs of ${stepsOfJob} steps, ${kind}`,
      unit: "jobs/s",
      ours: rate(`pillion, ${kind}`),
      peer: "absurd-sdk",
      theirs: rate(`absurd-sdk, ${kind}`),
      better: "higher",
    })),
    tables: [
      {
        title: `Jobs of ${stepsOfJob} steps, ${jobs.toLocaleString("en")} of them (fewer for what is slow), each step's answer committed before the next begins.`,
        head: ["arm", "jobs/s", "steps/s", `in ${reference}`, "middle half"],
        rows: names.map((name) => [
          name,
          shown(rate(name)),
          shown(rate(name) * stepsOfJob),
          ratio(samples[name]!, samples[reference]!).toFixed(2),
          spread(samples[name]!, samples[reference]!),
        ]),
      },
    ],
  };
}
