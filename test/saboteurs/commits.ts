import type { Enqueued } from "@pillion/core";
import type { ClientBase, PoolClient } from "pg";
import { harnesses as pgHarnesses } from "../../packages/pg/test/harness.ts";
import { intercepted, intercepting, type PgStatement, send, sendApart } from "./pg-statements.ts";
import { type Sabotage, type Saboteur, saboteur } from "./saboteur.ts";

const onPg = (sabotage: Sabotage) => saboteur(pgHarnesses.at(-1)!, import.meta.url, sabotage);

// By the client of the application's transaction:
const twins = new WeakMap<ClientBase, PoolClient>();
const outboxes = new WeakMap<ClientBase, PgStatement[]>();

class Withheld extends Error {}
const promised: Enqueued = { id: "1", created: true, state: "ready" };

/** Adapters whose jobs have a commit of their own, as close to the application's as can be. */
export const saboteurs: readonly Saboteur[] = [
  onPg({
    name: "keeps its jobs in a second transaction, which it commits just before the application's",
    caughtBy: "failures at commit",
    saying: /jobs exist although their transaction did not commit/,
    also: [
      "ambient",
      "atomicity",
      "killed backend",
      "visibility",
      "savepoints",
      "contended keys",
      "interrupted waits",
      "commit forms",
      "late and leaked handles",
      "one statement",
      "transactional handlers",
      "expectEnqueued",
      "failing jobs of a test",
      "runEnqueued",
    ],
    patienceMs: 10_000,
    connection: (connection) => ({
      ...connection,
      transaction: (fn, options) =>
        connection.transaction(async (tx) => {
          const twin: PoolClient = await connection.client.connect();
          twins.set(tx, twin);
          try {
            await twin.query("begin");
            const result = await fn(tx);
            await twin.query("commit");
            return result;
          } finally {
            twin.release(true);
          }
        }, options),
    }),
    verbs: intercepting((statement, client) => send(twins.get(client)!, statement)),
  }),
  onPg({
    name: "enqueues once the transaction has committed",
    caughtBy: "killed process",
    saying: /left the order and its jobs apart/,
    also: [
      "atomicity",
      "visibility",
      "savepoints",
      "late and leaked handles",
      "keys",
      "contended keys",
      "interrupted waits",
      "options",
      "one statement",
      "hostile settings",
      "commit forms",
      "expectEnqueued",
      "failing jobs of a test",
      "runEnqueued",
    ],
    patienceMs: 10_000,
    connection: (connection) => ({
      ...connection,
      async transaction(fn, options) {
        const outbox: PgStatement[] = [];
        const result = await connection.transaction((tx) => {
          outboxes.set(tx, outbox);
          return fn(tx);
        }, options);
        for (const statement of outbox) await sendApart(connection.client, statement);
        return result;
      },
    }),
    verbs: (adapter) => ({
      async enqueue(tx, job) {
        const withholding = intercepted(adapter, async (statement, client) => {
          outboxes.get(client)!.push(statement);
          throw new Withheld();
        });
        return withholding.enqueue(tx, job).catch((error) => {
          if (error instanceof Withheld) return promised;
          throw error;
        });
      },
    }),
  }),
];

/** For the process that some cases start. */
export const harnesses = saboteurs.map(({ harness }) => harness);
