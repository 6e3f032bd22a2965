import type { Mode, SystemName } from "../arms/arm.ts";
import { Hosts } from "../hosts.ts";
import type { Options } from "../options.ts";
import type { Child } from "../processes/child.ts";
import type { WorkerSettings } from "../processes/worker.ts";
import { type Check, type Outcome, shown } from "../report/outcome.ts";
import { openTransactions, transactionsOf } from "./activity.ts";

interface Arm {
  readonly system: SystemName;
  readonly mode: Mode;
}

const ours: Readonly<Record<string, Arm>> = {
  "pillion, default": { system: "pillion", mode: "default" },
  "pillion, polling alone": { system: "pillion", mode: "polling" },
};
const peers: Readonly<Record<string, Arm>> = {
  "graphile-worker, default": { system: "graphile-worker", mode: "default" },
  "graphile-worker, best": { system: "graphile-worker", mode: "best" },
  "pg-boss, default": { system: "pg-boss", mode: "default" },
  "pg-boss, best": { system: "pg-boss", mode: "best" },
};

interface Idle {
  readonly statements: number;
  readonly transactions: number;
  /** Looks at the server that met one of its connections idle in an open transaction. */
  readonly leftOpen: number;
}

/** What a worker asks of the server while there is nothing to do. */
export async function idleBench(options: Options): Promise<Outcome> {
  const arms = options.peers ? { ...ours, ...peers } : ours;
  const [settleMs, forMs] = options.quick ? [3_000, 5_000] : [10_000, 30_000];
  // All at the same time, each in a database of its own: an idle worker is in nobody's way.
  const found = await Hosts.use(async (hosts) =>
    Promise.all(
      Object.entries(arms).map(
        async ([name, arm]) => [name, await observe(hosts, name, arm, settleMs, forMs)] as const,
      ),
    ),
  );
  const of = Object.fromEntries(found);
  const checks = Object.keys(ours).flatMap((name): Check[] => {
    const { statements, leftOpen } = of[name]!;
    const alone = name === "pillion, default" ? "" : ", by polling alone";
    return [
      { name: `statements a second${alone}`, value: statements, atMost: 1 },
      { name: `times a transaction was left open${alone}`, value: leftOpen, atMost: 0 },
    ];
  });
  return {
    tables: [
      {
        title: `A worker with nothing to do, for ${forMs / 1_000} s; transactions are those of its whole database, the server's own among them.`,
        head: ["arm", "statements/s", "transactions/s", "left open"],
        rows: found.map(([name, { statements, transactions, leftOpen }]) => [
          name,
          shown(statements),
          shown(transactions),
          String(leftOpen),
        ]),
      },
    ],
    chart: {
      title: "An idle worker",
      unit: "statements a second",
      bars: found.map(([name, { statements }]) => ({ name, value: statements })),
    },
    comparisons: Object.keys(arms)
      .filter((name) => name in peers)
      .map((name) => {
        const [peer, mode] = name.split(", ") as [string, string];
        return {
          what: `statements a second of an idle worker, at its ${mode} settings, ours at default`,
          unit: "1/s",
          ours: of["pillion, default"]!.statements,
          peer,
          theirs: of[name]!.statements,
          better: "lower" as const,
        };
      }),
    checks,
  };
}

async function observe(
  hosts: Hosts,
  name: string,
  { system, mode }: Arm,
  settleMs: number,
  forMs: number,
): Promise<Idle> {
  const { url } = await hosts.host(system, name);
  const [worker] = (await hosts.workers(name)) as [Child];
  await worker.call("record");
  await worker.call("start", { system, url, mode, handler: "noop" } satisfies WorkerSettings);
  await pause(settleMs);
  const [statements, transactions] = [
    await worker.call<number>("statements"),
    await transactionsOf(hosts.server.url, url),
  ];
  const leftOpen = await openTransactions(hosts.server.url, url, forMs);
  const after = {
    statements: await worker.call<number>("statements"),
    transactions: await transactionsOf(hosts.server.url, url),
  };
  await worker.call("stop");
  return {
    statements: ((after.statements - statements) / forMs) * 1_000,
    transactions: ((after.transactions - transactions) / forMs) * 1_000,
    leftOpen,
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
