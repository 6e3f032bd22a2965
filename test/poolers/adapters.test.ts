import { randomUUID } from "node:crypto";
import { harnessName, type Order } from "@pillion/conformance";
import { defineJob, type JobType, type } from "@pillion/core";
import { type ActiveJob, defineAdapter } from "@pillion/core/adapter";
import { createWorker } from "@pillion/core/worker";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { until } from "../../packages/core/test/worker/queue.ts";
import { allHarnesses } from "../harnesses.ts";
import { nothing, type PooledPlace, pooledPlace } from "./pooled-place.ts";

let place: PooledPlace;
beforeAll(async () => {
  place = await pooledPlace("adapters");
});
afterAll(() => place.drop());

const noted = defineJob({ name: "noted", payload: type<string>() });
const order = (): Order => ({ id: randomUUID(), total: 1, customer: null });

async function exists(order: { id: string }) {
  const [row] = await place.query(
    `select exists (select from orders where id = $1) as "theOrder",
       (select count(*)::int from pillion.job where payload = to_jsonb($1::text)) as jobs`,
    [order.id],
  );
  return row;
}

for (const harness of await allHarnesses())
  describe(harnessName(harness), () => {
    const { enqueue, enqueueMany, enqueueStandalone, handle, idempotent, transactional } = harness.adapter;

    async function connect() {
      // postgres.js names its statements unless it is told not to: so its users do before a pooler.
      const url = harness.driver === "postgres" ? `${place.pooled}?prepare=false` : place.pooled;
      const connection = await harness.connect({ url, schema: "public", poolSize: 4 });
      onTestFinished(() => connection.close());
      return connection;
    }

    test("through a pooler the job exists after COMMIT, as the order does, and neither after a rollback", async () => {
      const connection = await connect();
      const committed = [order(), order(), order(), order(), order(), order()];
      const undone = [order(), order(), order()];
      // More transactions at a time than the pooler has connections.
      await Promise.all([
        ...committed.map((row) =>
          connection.transaction(async (tx) => {
            await harness.insertOrder(tx, row);
            expect((await enqueue(tx, noted(row.id))).created).toBe(true);
            expect(await enqueueMany(tx, [noted(row.id), noted(row.id)])).toHaveLength(2);
          }),
        ),
        ...undone.map((row) =>
          connection
            .transaction(async (tx) => {
              await harness.insertOrder(tx, row);
              await enqueue(tx, noted(row.id));
              throw new Error("changed my mind");
            })
            .catch((error) => expect(error.message).toBe("changed my mind")),
        ),
      ]);
      for (const row of committed) expect(await exists(row)).toEqual({ theOrder: true, jobs: 3 });
      for (const row of undone) expect(await exists(row)).toEqual({ theOrder: false, jobs: 0 });
      expect(await place.leftovers()).toEqual(nothing);
    });

    test("through a pooler an enqueue without a transaction is refused, and one that says so is not", async () => {
      const connection = await connect();
      const [refused, alone] = [order(), order()];
      await expect(enqueue(connection.client, noted(refused.id))).rejects.toMatchObject({
        code: "NOT_IN_TRANSACTION",
      });
      expect(await exists(refused)).toMatchObject({ jobs: 0 });
      await enqueueStandalone(connection.client, noted(alone.id));
      expect(await exists(alone)).toMatchObject({ jobs: 1 });
    });

    test("through a pooler an enqueue after its transaction has ended is refused", async () => {
      const connection = await connect();
      const late = order();
      let ended: object | undefined;
      await connection.transaction(async (tx) => {
        await harness.insertOrder(tx, order());
        ended = tx;
      });
      await expect(enqueue(ended!, noted(late.id))).rejects.toThrow();
      expect(await exists(late)).toMatchObject({ jobs: 0 });
    });

    test("through a pooler what a handler writes and its completion are one commit", async () => {
      const connection = await connect();
      const [placed, shipped] = ["placed", "shipped"].map((name) =>
        defineJob({
          name: `${name}.${randomUUID()}`,
          payload: type<Order>(),
          backoff: { type: "fixed", delayMs: 10 },
        }),
      ) as [JobType<Order, Order>, JobType<Order, Order>];
      const write = async (tx: object, { payload, attempt }: ActiveJob<Order>) => {
        await harness.insertOrder(tx, payload);
        if (payload.total === 2 && attempt === 1) throw new Error("the first attempt fails");
      };
      const worker = createWorker({
        database: place.pooled,
        handlers: [
          transactional(connection.client, placed, write),
          handle(connection.client, shipped, (job) => job.commit((tx: object) => write(tx, job))),
        ],
        pollMs: 50,
        logger: false,
      });
      onTestFinished(() => worker.stop({ graceMs: 0 }));
      await worker.start();
      const orders = Array.from({ length: 6 }, (_, index) => ({ ...order(), total: 1 + (index % 2) }));
      for (const [index, order] of orders.entries())
        await enqueueStandalone(connection.client, (index < 3 ? placed : shipped)(order));
      const together = `select count(*)::int as n from pillion.archive a join orders o on o.id = a.payload ->> 'id'
        where a.name = any ($1) and a.state = 'completed' and a.xmin = o.xmin`;
      await until(
        async () => (await place.query(together, [[placed.name, shipped.name]]))[0]!.n === orders.length,
      );
      await worker.stop();
      expect(await place.leftovers()).toEqual(nothing);
    });

    test("through a pooler calls with one key run once, and get one answer", async () => {
      const connection = await connect();
      const [once, key] = [order(), randomUUID()];
      const answers = await Promise.all(
        Array.from({ length: 6 }, () =>
          connection.transaction((tx) =>
            idempotent(tx, ["orders.place", key], async () => {
              await harness.insertOrder(tx, once);
              return { job: (await enqueue(tx, noted(once.id))).id };
            }),
          ),
        ),
      );
      expect(new Set(answers.map(({ job }) => job)).size).toBe(1);
      expect(await exists(once)).toEqual({ theOrder: true, jobs: 1 });
      expect(await place.leftovers()).toEqual(nothing);
    });
  });

test("through a pooler the guard in the database refuses what no adapter has looked at", async () => {
  const pool = new pg.Pool({ connectionString: place.pooled, max: 4 });
  onTestFinished(() => pool.end());
  const { enqueue } = defineAdapter<pg.Pool, pg.Pool>({
    name: "blind",
    expects: "anything",
    handleLives: "connection",
    inTransaction: () => true,
    isClient: () => false,
    run: async (handle, { text, values }) => (await handle.query({ text, values: [...values] })).rows,
  });
  const refused = Array.from({ length: 20 }, order);
  for (const outcome of await Promise.allSettled(refused.map(({ id }) => enqueue(pool, noted(id)))))
    expect(outcome).toMatchObject({ status: "rejected", reason: { code: "25P01" } });
  for (const row of refused) expect(await exists(row)).toMatchObject({ jobs: 0 });
});
