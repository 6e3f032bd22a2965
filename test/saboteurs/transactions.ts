import { sqlStateOf } from "@pillion/core";
import type { ClientBase, Pool } from "pg";
import { harnesses as pgHarnesses } from "../../packages/pg/test/harness.ts";
import { intercepting, send, sendApart, telling } from "./pg-statements.ts";
import { type Sabotage, type Saboteur, saboteur } from "./saboteur.ts";

const onPg = (sabotage: Sabotage) => saboteur(pgHarnesses.at(-1)!, import.meta.url, sabotage);

/** By the client of the application's transaction. */
const pools = new WeakMap<ClientBase, Pool>();

/** What fails where jobs are committed at once, whatever becomes of their transaction. */
const allFates = [
  "atomicity",
  "failures at commit",
  "killed backend",
  "killed process",
  "visibility",
  "savepoints",
  "late and leaked handles",
  "keys",
  "contended keys",
  "interrupted waits",
  "batches",
  "isolation levels",
  "one statement",
  "hostile settings",
  "commit forms",
  "expectEnqueued",
  "failing jobs of a test",
  "runEnqueued",
];

/** Adapters that end a transaction, their own or the application's, by themselves. */
export const saboteurs: readonly Saboteur[] = [
  onPg({
    name: "enqueues through a connection of its own",
    caughtBy: "visibility",
    saying: /another connection sees a job before COMMIT/,
    also: allFates.filter((suite) => suite !== "visibility"),
    patienceMs: 10_000,
    connection: telling((tx, pool) => pools.set(tx, pool)),
    verbs: intercepting((statement, client) => sendApart(pools.get(client)!, statement)),
  }),
  onPg({
    name: "commits what it has enqueued",
    caughtBy: "atomicity",
    saying: /jobs exist after a throw/,
    also: allFates.filter((suite) => suite !== "atomicity"),
    patienceMs: 10_000,
    verbs: intercepting(async (statement, client) => {
      const answer = await send(client, statement);
      await client.query("commit");
      await client.query("begin");
      return answer;
    }),
  }),
  onPg({
    name: "begins the transaction again where it cannot be serialized",
    caughtBy: "interrupted waits",
    saying: /leaned on a job that its transaction cannot see/,
    verbs: intercepting(async (statement, client) => {
      try {
        return await send(client, statement);
      } catch (error) {
        if (sqlStateOf(error) !== "40001") throw error;
        await client.query("rollback");
        await client.query("begin");
        return send(client, statement);
      }
    }),
  }),
];

/** For the process that some cases start. */
export const harnesses = saboteurs.map(({ harness }) => harness);
