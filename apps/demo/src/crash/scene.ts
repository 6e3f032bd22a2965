import { configure } from "@pillion/pg";
import type { ShopKind } from "../shop.ts";
import type { Scene } from "../stage.ts";
import { drained, type Town } from "../town.ts";
import { WorkerProcess } from "../worker-process.ts";
import { audit, countOrders, tables } from "./audit.ts";
import { moments, renewOrder } from "./renewal.ts";
import { holds, tableOf } from "./report.ts";
import { program, Victim } from "./victim.ts";

/** A worker is killed around the COMMIT of its handlers, in jobs of each ORM; what each has left is counted. */
export const crash = (kinds: readonly ShopKind[]): Scene => ({
  tables,
  async play({ town, hire, until, signal }) {
    const shops = kinds.map(({ name }) => name);
    console.log(`
The handler of each job writes one order, in a transaction of its ORM:

  transactional(client, renewOrder, async (tx, job) => { await insertOrder(tx, job.payload.order); })

The order and "this job is done" are one commit. A worker process takes ${moments.length} jobs of each ORM, and stops in each
of them at another moment:

${moments.map((moment) => `  - ${moment}`).join("\n")}

There it is killed with SIGKILL, and another worker runs what is left.
`);
    await enqueueRenewals(town, shops);
    const victim = hire(
      () =>
        new Victim(town.place, shops, (shop) =>
          console.log(`  ${shop.padEnd(8)} has stopped at all ${moments.length} moments`),
        ),
    );
    const heir = hire(() => new WorkerProcess(program, [JSON.stringify(town.place), "runs", ...shops]));
    await until("The worker that is to be killed", victim.ready);
    victim.tell("go");
    await until("The worker at its moments", victim.stopped);
    await victim.kill();
    const left = await countOrders(town);
    const counts = shops.map((shop) => `${left.get(shop) ?? 0} of ${shop}`).join(", ");
    console.log(`
✗ Worker ${victim.pid} is killed (SIGKILL). It has left orders: ${counts}.
  Worker ${heir.pid} takes over, once the lease of the dead one has ended …`);
    await until("The other worker", heir.ready);
    heir.tell("go");
    await drained(town, signal);
    const cells = await audit(town);
    console.log(`\n${tableOf(shops, cells)}`);
    if (!holds(shops, cells)) {
      console.error("\nSomething is not as it must be (marked with !).");
      return false;
    }
    console.log(`
Each order exists exactly once, written by the very transaction (pg_current_xact_id) that completed its job. Where the
kill came before that transaction had committed, a second attempt wrote the order; after COMMIT nobody ran it again.`);
    return true;
  },
});

/** One job for each shop and moment. */
async function enqueueRenewals({ pool, place }: Town, shops: readonly string[]): Promise<void> {
  const { enqueueMany } = configure({ schema: place.queue });
  const jobs = shops.flatMap((shop, row) =>
    moments.map((moment, column) => {
      const order = { id: row * moments.length + column + 1, shop, customer: 1, total: 100 };
      return renewOrder(shop)({ order, moment });
    }),
  );
  const client = await pool.connect();
  try {
    await client.query("begin");
    await enqueueMany(client, jobs);
    await client.query("commit");
  } finally {
    client.release();
  }
}
