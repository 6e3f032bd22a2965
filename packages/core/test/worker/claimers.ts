import { type AnyJobType, type ClaimerOptions, createClaimer } from "@pillion/core/worker";
import { onTestFinished } from "vitest";
import { listeningLogger } from "./queue.ts";
import { workshop } from "./workers.ts";

/** A queue, with workers and claimers in this process, for one test. */
export async function claimShop() {
  const shop = await workshop();
  const { queue } = shop;
  return {
    ...shop,
    claimer<Type extends AnyJobType>(jobTypes: readonly Type[], options: Partial<ClaimerOptions<Type>> = {}) {
      const logger = listeningLogger();
      const { schema, pool: database } = queue;
      const claimer = createClaimer<Type>({ database, schema, jobTypes, logger, ...options });
      onTestFinished(() => claimer.stop());
      return Object.assign(claimer, { lines: logger.lines });
    },
  };
}
