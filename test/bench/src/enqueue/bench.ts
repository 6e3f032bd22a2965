import type { Check } from "../report.ts";
import { addedTime } from "./added-time.ts";
import { batches } from "./batches.ts";
import { commitsPerSecond } from "./commits.ts";
import { benchDatabase } from "./tables.ts";

/** What an enqueue costs beside the least that could be written by hand. `--quick` looks only whether it runs. */
export async function enqueueBench(args: readonly string[]): Promise<Check[]> {
  const quick = args.includes("--quick");
  const database = await benchDatabase();
  try {
    return [
      ...(await commitsPerSecond(
        database,
        quick ? { rounds: 2, windowMs: 100 } : { rounds: 20, windowMs: 750 },
      )),
      ...(await addedTime(database, quick ? { rounds: 1, calls: 10 } : { rounds: 15, calls: 200 })),
      ...(await batches(database, quick ? { rounds: 1, jobs: 6_000 } : { rounds: 5, jobs: 100_000 })),
    ];
  } finally {
    await database.close();
  }
}
