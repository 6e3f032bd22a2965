import { harnesses as pgHarnesses } from "../../packages/pg/test/harness.ts";
import { type Saboteur, saboteur } from "./saboteur.ts";

/** Adapters on whose client a worker is not safe. */
export const saboteurs: readonly Saboteur[] = [
  saboteur(pgHarnesses.at(-1)!, import.meta.url, {
    name: "lets the worker's beat wait for the pool",
    caughtBy: "own client",
    saying: /attempts of jobs whose handlers took twice the lease/,
    patienceMs: 8_000,
    verbs: ({ database }) => ({
      database(client) {
        const { connection: _, ...through } = database(client);
        return through;
      },
    }),
  }),
];

/** For the process that some cases start. */
export const harnesses = saboteurs.map(({ harness }) => harness);
