import { harnesses as drizzleHarnesses } from "../../packages/drizzle/test/harness.ts";
import { type Saboteur, saboteur } from "./saboteur.ts";

/** Adapters of an ORM that makes a handle for each transaction, and refuses none that has ended. */
export const saboteurs: readonly Saboteur[] = [
  saboteur(drizzleHarnesses[0]!, import.meta.url, {
    name: "forgets to which transaction a handle belongs",
    caughtBy: "late and leaked handles",
    saying: /a leaked handle was accepted/,
    verbs: (adapter) => ({
      enqueue: (tx, job) => adapter.enqueue(Object(tx) === tx ? new Proxy(tx, {}) : tx, job),
    }),
  }),
];

/** For the process that some cases start. */
export const harnesses = saboteurs.map(({ harness }) => harness);
