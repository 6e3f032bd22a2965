import type { Check } from "../report.ts";
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
    ];
  } finally {
    await database.close();
  }
}
