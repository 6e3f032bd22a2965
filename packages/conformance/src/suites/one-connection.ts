import assert from "node:assert/strict";
import { enqueueInEveryForm, freshForms, jobsOfEveryForm } from "../forms.ts";
import type { Case, Suite } from "../suite.ts";
import type { Wire } from "../wire.ts";

/** What `fn` sends. */
export async function traffic(wire: Wire, fn: () => Promise<unknown>) {
  const before = wire.traffic();
  await fn();
  const after = wire.traffic();
  return {
    statements: after.statements - before.statements,
    roundTrips: after.roundTrips - before.roundTrips,
    namedStatements: after.namedStatements - before.namedStatements,
    connections: after.connections - before.connections,
  };
}

const statements = freshForms.map(
  (form): Case => ({
    name: `${form.name} is one statement in no more round trips than the ORM's first insert takes, cold and warm`,
    async run(context) {
      const { wire } = await context.wired();
      // Its first insert: later ones may be statements that the driver has prepared by name.
      const connection = await context.connect({ url: wire.url });
      const counted = (fn: () => Promise<unknown>) => traffic(wire, fn);
      const open = await context.open(connection);
      // Of a handle's first enqueue and of a later one, each may be the exception.
      const type = context.jobType();
      const cold = await counted(() => form.enqueue(context.verbs, open.tx, type, "cold"));
      const insert = await counted(() => context.harness.insertOrder(open.tx, context.order()));
      const warm = await counted(() => form.enqueue(context.verbs, open.tx, type, "warm"));
      await open.commit();
      for (const [when, traffic] of [
        ["cold", cold],
        ["warm", warm],
      ] as const) {
        assert.equal(traffic.statements, 1, `statements, ${when}`);
        assert.ok(
          traffic.roundTrips <= insert.roundTrips,
          `${traffic.roundTrips} round trips, ${when}; an insert takes ${insert.roundTrips}`,
        );
        assert.equal(traffic.namedStatements, 0, `named prepared statements, ${when}`);
        assert.equal(traffic.connections, 0, `new connections, ${when}`);
      }
    },
  }),
);

const poolOfOne: Case = {
  name: "enqueue inside a transaction needs no second connection: a pool of one does not hang",
  async run(context) {
    const type = context.jobType();
    const connection = await context.connect({ poolSize: 1 });
    await context.within(
      "enqueue with a pool of one",
      connection.transaction(async (tx) => {
        await context.harness.insertOrder(tx, context.order());
        await enqueueInEveryForm(context.verbs, tx, type);
      }),
    );
    assert.equal((await context.reader.jobs(type.name)).length, jobsOfEveryForm, "jobs that exist");
  },
};

/** Enqueue is one statement on the connection that the caller's transaction already has. */
export const oneConnection: Suite = { name: "one statement", cases: () => [...statements, poolOfOne] };
