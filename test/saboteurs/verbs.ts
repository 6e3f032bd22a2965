import { PillionError } from "@pillion/core";
import type { ClientBase, Pool } from "pg";
import { harnesses as pgHarnesses } from "../../packages/pg/test/harness.ts";
import { disguised, type PgStatement, send, sendApart, telling } from "./pg-statements.ts";
import { type Sabotage, type Saboteur, saboteur } from "./saboteur.ts";

const onPg = (sabotage: Sabotage) => saboteur(pgHarnesses.at(-1)!, import.meta.url, sabotage);
/** A release that does not tell whether a transaction is open: the guard in the database stands alone. */
const onOldPg = (sabotage: Sabotage) => saboteur(pgHarnesses[0]!, import.meta.url, sabotage);

// By the client of the application's transaction:
const pools = new WeakMap<ClientBase, Pool>();
const outboxes = new WeakMap<ClientBase, PgStatement[]>();

class Withheld extends Error {}

/** Adapters that enqueue as they should, and do something else as they should not. */
export const saboteurs: readonly Saboteur[] = [
  onPg({
    name: "cancels through a connection of its own",
    caughtBy: "cancel",
    saying: /another connection sees a cancel by ids before COMMIT/,
    also: ["expectEnqueued"],
    connection: telling((tx, pool) => pools.set(tx, pool)),
    verbs: (adapter) => ({
      cancel: (tx, target) =>
        adapter.cancel(
          disguised(tx, (statement, client) => sendApart(pools.get(client)!, statement)),
          target,
        ),
    }),
  }),
  onPg({
    name: "puts a savepoint around each retry",
    caughtBy: "retry",
    saying: /statements of retry by ids/,
    verbs: (adapter) => ({
      retry: (tx, target) =>
        adapter.retry(
          disguised(tx, async (statement, client) => {
            await client.query("savepoint retry");
            const answer = await send(client, statement);
            await client.query("release savepoint retry");
            return answer;
          }),
          target,
        ),
    }),
  }),
  onOldPg({
    name: "swallows what the database says of a reschedule",
    caughtBy: "reschedule",
    saying: /a reschedule by ids after commit was accepted/,
    verbs: (adapter) => ({
      reschedule: (tx, target, time) =>
        adapter.reschedule(tx, target, time).catch((error) => {
          if (PillionError.is(error)) throw error;
          return { ids: [], next: null };
        }),
    }),
  }),
  onPg({
    name: "pauses a queue at once where it is given a pool",
    caughtBy: "pause and resume",
    saying: /pause accepted a pg Pool/,
    verbs: (adapter) => ({
      async pause(tx, queue) {
        if (tx?.totalCount === undefined) return adapter.pause(tx, queue);
        const client = await tx.connect();
        try {
          await client.query("begin");
          const answer = await adapter.pause(client, queue);
          await client.query("commit");
          return answer;
        } finally {
          client.release(true);
        }
      },
    }),
  }),
  onPg({
    name: "emits by itself",
    caughtBy: "emit",
    saying: /another connection sees a emit before COMMIT/,
    also: ["steps"],
    connection: telling((tx, pool) => pools.set(tx, pool)),
    verbs: (adapter) => ({
      emit: (tx, event, payload, options) =>
        adapter.emit(
          disguised(tx, (statement, client) => sendApart(pools.get(client)!, statement)),
          event,
          payload,
          options,
        ),
    }),
  }),
  onPg({
    name: "publishes once the transaction has committed",
    caughtBy: "publish",
    saying: /a publish outlived the rollback to its savepoint/,
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
      publish(tx, ...publication) {
        const withholding = disguised(tx, async (statement, client) => {
          outboxes.get(client)!.push(statement);
          throw new Withheld();
        });
        return adapter.publish(withholding, ...publication).catch((error) => {
          if (error instanceof Withheld) return [];
          throw error;
        });
      },
    }),
  }),
];

/** For the process that some cases start. */
export const harnesses = saboteurs.map(({ harness }) => harness);
