import { setTimeout as sleep } from "node:timers/promises";
import { SingleBar } from "cli-progress";
import type { ShopKind } from "../shop.ts";
import type { Stage } from "../stage.ts";
import { drained } from "../town.ts";
import { audit } from "./audit.ts";
import { planEndings } from "./endings.ts";
import { InvoiceWorker } from "./invoice-worker.ts";
import { type Kill, placeOrder, type Tally } from "./place-order.ts";
import type { Result } from "./report.ts";

export interface OrdersOptions {
  readonly kinds: readonly ShopKind[];
  readonly orders: number;
  readonly seed: number;
}

/** Places the same orders in each shop, kills a worker half-way, and counts when all jobs are done. */
export async function placeOrders(
  { town, hire, signal }: Stage,
  { kinds, orders, seed }: OrdersOptions,
): Promise<Result[]> {
  signal.throwIfAborted();
  const hireClerk = (name: string) => hire(() => new InvoiceWorker(name, town.place));
  const pair = [hireClerk("worker 1"), hireClerk("worker 2")] as const;
  const columns = await Promise.all(
    kinds.map(async ({ name, open }, n) => ({
      name,
      first: n * orders * 2,
      shop: await open(town.place),
      tally: { tried: 0, refusedByDatabase: 0, refusedEarlier: 0 } as Tally,
    })),
  );
  const kill: Kill = async (pid) => {
    await town.pool.query("select pg_terminate_backend($1, 5000)", [pid]);
  };
  await Promise.all(pair.map(({ ready }) => ready));
  const bar = new SingleBar({
    format: "Orders placed [{bar}] {value} of {total}",
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: 1_000,
  });
  let killing: Promise<unknown> | undefined;
  bar.start(kinds.length * orders, 0);
  try {
    // All shops at the same time and in step, so that the kill finds jobs of each.
    for (const [n, ending] of planEndings(orders, seed).entries()) {
      signal.throwIfAborted();
      await Promise.all(
        columns.map(async ({ name, first, shop, tally }) => {
          // Two numbers for each, since some orders come with an extra one.
          const order = { id: first + 2 * n, shop: name, customer: 1 + (n % 5), total: 100 + n };
          await placeOrder(shop, { order, extra: { ...order, id: order.id + 1 }, ending, tally, kill });
          bar.increment();
        }),
      );
      if (n + 1 >= orders / 2)
        killing ??= killOne(
          pair,
          kinds.map(({ name }) => name),
        ).then(() => signal.aborted || hireClerk("worker 3"));
    }
    await killing;
  } finally {
    await Promise.allSettled([killing]);
    bar.stop();
    await Promise.all(columns.map(({ shop }) => shop.close()));
  }
  console.log("All orders are placed. Waiting until the workers have run every job …");
  await drained(town, signal);
  return Promise.all(
    columns.map(async ({ name, tally }) => ({ shop: name, tally, audit: await audit(town, name) })),
  );
}

/** Kills a worker that has a job of each shop in its hands; after a while the one that has more jobs. */
async function killOne(pair: readonly [InvoiceWorker, InvoiceWorker], shops: readonly string[]) {
  for (const worker of pair) worker.jam();
  const patience = Date.now() + 1_000;
  const ripe = () => pair.find(({ jobsOf }) => shops.every((shop) => jobsOf.includes(shop)));
  do await sleep(20);
  while (!ripe() && Date.now() < patience);
  const [one, two] = pair;
  const victim = ripe() ?? (one.jobsOf.length >= two.jobsOf.length ? one : two);
  await victim.kill();
  (victim === one ? two : one).release();
}
