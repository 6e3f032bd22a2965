import type { Options } from "../options.ts";
import type { Outcome } from "../report/outcome.ts";
import { startServer } from "../server.ts";
import { steps } from "./steps.ts";
import { transactions } from "./transactions.ts";

/** What a handler's own transaction costs, and what durable steps do. */
export async function effectsBench({ quick, rounds, peers }: Options): Promise<Outcome> {
  const server = await startServer();
  try {
    const ofTransactions = await transactions(
      server.url,
      quick ? { rounds: 1, jobs: 200 } : { rounds: rounds ?? 10, jobs: 4_000 },
    );
    const ofSteps = await steps(server.url, {
      peers,
      ...(quick ? { rounds: 1, jobs: 200 } : { rounds: rounds ?? 5, jobs: 4_000 }),
    });
    return {
      tables: [...ofTransactions.tables, ...ofSteps.tables],
      checks: [...ofTransactions.checks, ...ofSteps.checks],
      comparisons: ofSteps.comparisons,
      peers: ["absurd-sdk"],
      chart: {
        title: "An INSERT in a transactional handler, with its completion by hand, and without a queue",
        unit: "transactions a second",
        bars: ofTransactions.bars,
      },
    };
  } finally {
    await server.close();
  }
}
