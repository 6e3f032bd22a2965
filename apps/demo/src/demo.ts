import { setTimeout as sleep } from "node:timers/promises";
import { SingleBar } from "cli-progress";
import { audit, openJobs } from "./audit.ts";
import { planEndings } from "./endings.ts";
import { type Kill, placeOrder, type Tally } from "./place-order.ts";
import type { Result } from "./report.ts";
import type { Place, ShopKind } from "./shop.ts";
import type { Town } from "./town.ts";
import { WorkerProcess } from "./worker-process.ts";

export interface DemoOptions {
  readonly kinds: readonly ShopKind[];
  readonly orders: number;
  readonly seed: number;
  /** Every worker process, from its start on, so that whoever ends the demo early can stop it. */
  readonly workers: Set<WorkerProcess>;
}

/** Places the orders of all shops at the same time, kills a worker half-way, and counts when all jobs are done. */
export async function runDemo(town: Town, { kinds, orders, seed, workers }: DemoOptions): Promise<Result[]> {
  const hire = (name: string) => {
    const worker = new WorkerProcess(name, town.place);
    workers.add(worker);
    return worker;
  };
  const victim = hire("worker 1");
  hire("worker 2");
  const tallies = kinds.map((): Tally => ({ tried: 0, refusedByDatabase: 0, refusedEarlier: 0 }));
  const bar = new SingleBar({
    format: "Orders placed [{bar}] {value}/{total}",
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: 1_000,
  });
  bar.start(kinds.length * orders, 0);
  let killing: Promise<unknown> | undefined;
  let placed = 0;
  const onPlaced = () => {
    bar.update(++placed);
    if (placed < (kinds.length * orders) / 2) return;
    killing ??= victim
      .kill(
        kinds.map(({ name }) => name),
        1_000,
      )
      .then(() => hire("worker 3"));
  };
  try {
    await Promise.all(
      kinds.map((kind, n) =>
        runShop(town, kind, { orders, seed: seed + n, first: n * orders * 2, tally: tallies[n]!, onPlaced }),
      ),
    );
  } finally {
    bar.stop();
  }
  await killing;
  console.log("All orders are placed. Waiting until the workers have run every job …");
  const deadline = Date.now() + 60_000;
  while ((await openJobs(town)) > 0 && Date.now() < deadline) {
    if ([...workers].some(({ failed }) => failed)) throw new Error("A worker process ended by itself.");
    await sleep(50);
  }
  const audits = await Promise.all(kinds.map(({ name }) => audit(town, name)));
  return kinds.map(({ name }, n) => ({ shop: name, tally: tallies[n]!, audit: audits[n]! }));
}

interface ShopRun {
  readonly orders: number;
  readonly seed: number;
  /** The first of the numbers that its orders get; each may need two. */
  readonly first: number;
  readonly tally: Tally;
  readonly onPlaced: () => void;
}

async function runShop(
  town: { pool: Town["pool"]; place: Place },
  kind: ShopKind,
  { orders, seed, first, tally, onPlaced }: ShopRun,
): Promise<void> {
  const kill: Kill = async (pid) => {
    await town.pool.query("select pg_terminate_backend($1, 5000)", [pid]);
  };
  const shop = await kind.open(town.place);
  try {
    for (const [n, ending] of planEndings(orders, seed).entries()) {
      const order = { id: first + 2 * n, shop: kind.name, customer: 1 + (n % 5), total: 100 + n };
      await placeOrder(shop, { order, extra: { ...order, id: order.id + 1 }, ending, tally, kill });
      onPlaced();
    }
  } finally {
    await shop.close();
  }
}
