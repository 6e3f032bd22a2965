import type { Options } from "../options.ts";
import type { Outcome } from "../report/outcome.ts";
import { addedTime } from "./added-time.ts";
import { batches } from "./batches.ts";
import { commitsPerSecond } from "./commits.ts";
import { benchDatabase } from "./tables.ts";

/** What an enqueue costs beside the least that could be written by hand. */
export async function enqueueBench({ quick, rounds }: Options): Promise<Outcome> {
  const database = await benchDatabase();
  try {
    const commits = await commitsPerSecond(
      database,
      quick ? { rounds: 2, windowMs: 100 } : { rounds: rounds ?? 20, windowMs: 750 },
    );
    const parts = [
      commits,
      await addedTime(database, quick ? { rounds: 1, calls: 10 } : { rounds: rounds ?? 15, calls: 200 }),
      await batches(database, quick ? { rounds: 1, jobs: 12_000 } : { rounds: rounds ?? 5, jobs: 100_000 }),
    ];
    return {
      tables: parts.flatMap(({ tables }) => tables),
      checks: parts.flatMap(({ checks }) => checks),
      chart: commits.chart,
    };
  } finally {
    await database.close();
  }
}
