import type { Ambient } from "@pillion/core";
import type { Pool } from "pg";
import { harnesses as pgHarnesses } from "../../packages/pg/test/harness.ts";
import { type Sabotage, type Saboteur, saboteur } from "./saboteur.ts";

const onPg = (sabotage: Sabotage) => saboteur(pgHarnesses.at(-1)!, import.meta.url, sabotage);

/** What each ambient transaction asks. */
const functions = new WeakMap<Ambient<object>, () => unknown>();
let pool: Pool;

/** Adapters whose ambient transactions are not the caller's. */
export const saboteurs: readonly Saboteur[] = [
  onPg({
    name: "goes on with the transaction that an ambient one has once stood for",
    caughtBy: "ambient",
    saying: /the jobs of the transactions that have committed|a call in a later transaction/,
    verbs: ({ ambient }) => ({
      ambient(resolve) {
        let first: ReturnType<typeof resolve>;
        return ambient(() => {
          first ??= resolve();
          return first;
        });
      },
    }),
  }),
  onPg({
    name: "commits at once what is enqueued where an ambient transaction is none",
    caughtBy: "ambient",
    saying: /an ambient enqueue was accepted where its function answers nothing/,
    connection: (connection) => {
      pool = connection.client;
      return connection;
    },
    verbs: ({ ambient, enqueue, enqueueStandalone }) => ({
      ambient(resolve) {
        const made = ambient(resolve);
        functions.set(made, resolve);
        return made;
      },
      async enqueue(tx, job) {
        const resolve = functions.get(tx);
        return resolve && resolve() === undefined ? enqueueStandalone(pool, job) : enqueue(tx, job);
      },
    }),
  }),
];

/** For the process that some cases start. */
export const harnesses = saboteurs.map(({ harness }) => harness);
