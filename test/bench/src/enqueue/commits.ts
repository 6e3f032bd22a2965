import { Child } from "../processes/child.ts";
import type { Arm } from "../processes/enqueuer.ts";
import { type Chart, type Check, type Part, shown } from "../report/outcome.ts";
import { alternate, median, ratio, spread } from "../rounds.ts";
import { type Setting, settings } from "./settings.ts";
import type { BenchDatabase } from "./tables.ts";

const clients = 16;
const names: Readonly<Record<Arm, string>> = {
  enqueue: "enqueue",
  raw: "what it sends, by hand",
  returning: "bare INSERT, twin table, its id returned",
  twin: "bare INSERT, twin table",
  minimal: "bare INSERT, minimal table",
};
const arms = Object.keys(names) as readonly Arm[];

/**
 * Commits a second of 16 Node processes, each with one connection: begin, one business INSERT, the arm's
 * statement, commit. The bare INSERTs name queue, name and payload, and leave the rest to defaults; all but one ask
 * for nothing back.
 */
export async function commitsPerSecond(
  database: BenchDatabase,
  extent: { readonly rounds: number; readonly windowMs: number },
): Promise<Part & { readonly chart: Chart }> {
  const { url, schema } = database;
  const processes: Child[] = [];
  try {
    for (let number = 0; number < clients; number++) processes.push(await Child.start("enqueuer"));
    await Promise.all(processes.map((process) => process.call("open", url, schema)));
    const parts: Awaited<ReturnType<typeof inSetting>>[] = [];
    for (const setting of settings) parts.push(await inSetting(setting, processes, database, extent));
    return {
      tables: [
        {
          title: `Transactions of ${clients} Node processes: one business INSERT and one job each.`,
          head: ["setting", "arm", "commits/s", "enqueue/arm", "middle half", "worker's jobs/s"],
          rows: parts.flatMap(({ rows }) => rows),
        },
      ],
      checks: parts.flatMap(({ checks }) => checks),
      chart: {
        title: `Commits of ${clients} processes, each with one INSERT and one job`,
        unit: "commits a second",
        bars: parts.flatMap(({ bars }) => bars),
      },
    };
  } finally {
    for (const process of processes) process.end();
  }
}

async function inSetting(
  { name: setting, start }: Setting,
  processes: readonly Child[],
  database: BenchDatabase,
  { rounds, windowMs }: { readonly rounds: number; readonly windowMs: number },
) {
  const running = await start(database);
  const load = Object.fromEntries(arms.map((arm) => [arm, [] as number[]])) as Record<Arm, number[]>;
  const samples = await alternate(arms, { rounds }, async (arm) => {
    const [before, from] = [running.done(), performance.now()];
    const rates = await Promise.all(
      processes.map((process) => process.call<number>("transactions", arm, windowMs)),
    );
    load[arm].push(((running.done() - before) / (performance.now() - from)) * 1_000);
    return rates.reduce((sum, rate) => sum + rate, 0);
  });
  await running.stop();
  const checks: Check[] = [
    {
      name: `commits/s of a bare INSERT into a twin table kept, ${setting}`,
      value: ratio(samples.enqueue, samples.twin),
      atLeast: 0.95,
    },
    {
      name: `commits/s of a bare INSERT into a minimal table kept, ${setting}`,
      value: ratio(samples.enqueue, samples.minimal),
      atLeast: 0.85,
    },
  ];
  return {
    checks,
    rows: arms.map((arm) => [
      setting,
      names[arm],
      shown(median(samples[arm])),
      ratio(samples.enqueue, samples[arm]).toFixed(3),
      spread(samples.enqueue, samples[arm]),
      shown(Math.round(median(load[arm]))),
    ]),
    bars: arms.map((arm) => ({ name: `${names[arm]}, ${setting}`, value: median(samples[arm]) })),
  };
}
