import type { ClientBase, Pool } from "pg";
import { harnesses as pgHarnesses } from "../../packages/pg/test/harness.ts";
import { intercepting, send, telling } from "./pg-statements.ts";
import { type Sabotage, type Saboteur, saboteur } from "./saboteur.ts";

const onPg = (sabotage: Sabotage) => saboteur(pgHarnesses.at(-1)!, import.meta.url, sabotage);

/** By the client of the application's transaction. */
const pools = new WeakMap<ClientBase, Pool>();

const changingValues = (change: (value: string) => string): Sabotage["verbs"] =>
  intercepting(([text, values], client) =>
    send(client, [text, values.map((value) => (value === null ? null : change(value)))]),
  );

/** Adapters that send another statement than core gave them, or more than one. */
export const saboteurs: readonly Saboteur[] = [
  onPg({
    name: "puts a savepoint around each enqueue",
    caughtBy: "one statement",
    saying: /statements, cold/,
    also: ["batches"],
    verbs: intercepting(async (statement, client) => {
      await client.query("savepoint enqueue");
      try {
        const answer = await send(client, statement);
        await client.query("release savepoint enqueue");
        return answer;
      } catch (error) {
        await client.query("rollback to savepoint enqueue");
        throw error;
      }
    }),
  }),
  onPg({
    name: "asks the pool for something before it takes a key",
    caughtBy: "one statement",
    saying: /enqueue with a pool of one has not ended/,
    also: ["ambient", "bad input"],
    patienceMs: 10_000,
    connection: telling((tx, pool) => pools.set(tx, pool)),
    verbs: (adapter) => ({
      async enqueue(tx, job) {
        if (job?.options?.uniqueKey) await pools.get(tx)?.query("select 1");
        return adapter.enqueue(tx, job);
      },
    }),
  }),
  onPg({
    name: "rounds numbers to fifteen digits",
    caughtBy: "payload",
    saying: /the payload that was stored/,
    verbs: changingValues((value) =>
      value.replaceAll(/\d{16,}/g, (digits) => String(Number(Number(digits).toPrecision(15)))),
    ),
  }),
  onPg({
    name: "encodes a payload that is an object as JSON twice",
    caughtBy: "payload",
    saying: /jsonb_typeof the payload/,
    also: ["expectEnqueued", "failing jobs of a test", "runEnqueued"],
    verbs: (adapter) => ({
      enqueue(tx, job) {
        const twice = changingValues((value) =>
          typeof job.payload === "object" && value === JSON.stringify(job.payload)
            ? JSON.stringify(value)
            : value,
        );
        return twice(adapter).enqueue!(tx, job);
      },
    }),
  }),
  onPg({
    name: "does not quote the name of its schema",
    caughtBy: "hostile settings",
    saying: /a schema with such a name refuses jobs/,
    also: ["runEnqueued"],
    verbs: intercepting(([text, values], client) =>
      send(client, [text.replaceAll(/"([^"]*)"\./g, "$1."), values]),
    ),
  }),
];

/** For the process that some cases start. */
export const harnesses = saboteurs.map(({ harness }) => harness);
