import type { Scene } from "../stage.ts";
import { endings } from "./endings.ts";
import { type OrdersOptions, placeOrders } from "./play.ts";
import { holds, tableOf } from "./report.ts";
import { tables } from "./tables.ts";

/** Orders and their jobs end together, whatever ends them. */
export const orders = (options: OrdersOptions): Scene => ({
  tables,
  async play(stage) {
    console.log(`
${options.orders} orders go through each of: ${options.kinds.map(({ name }) => name).join(", ")}. Each order and the job that writes
its invoice are one transaction, which ends in one of these ways (seed ${options.seed}):
${Object.values(endings)
  .map((ending) => `  - ${ending}`)
  .join("\n")}
Two worker processes write the invoices. Half-way, one is killed with SIGKILL in the middle of its jobs; a third
takes its place.
`);
    const results = await placeOrders(stage, options);
    const twice = results.reduce((sum, { audit }) => sum + audit.startedTwice, 0);
    console.log(
      twice > 0
        ? `The killed worker left ${twice} jobs half-done; the others ran them again.\n`
        : "The killed worker had no job in its hands this time: with more orders it will.\n",
    );
    console.log(tableOf(results));
    if (!holds(results)) {
      console.error("\nA number that must be 0 is not (marked with !).");
      return false;
    }
    console.log(`
Every committed order has exactly one invoice, and no other order has a job.

More scenes: npm run demo -- workflow (durable steps), npm run demo -- crash (SIGKILL around COMMIT).`);
    return true;
  },
});
