import type { ActiveJob, Around, BatchHandler, BatchReturn } from "../../handler/handler.ts";
import type { Attempt } from "./attempt.ts";
import type { Outcome } from "./outcome.ts";

/** Runs many jobs in one call; each has its own outcome. */
export async function runBatch(
  attempts: readonly Attempt[],
  batch: BatchHandler,
  onEnd: (attempt: Attempt, outcome: Outcome) => void,
  around: Around = (_, run) => run(),
): Promise<void> {
  for (const attempt of attempts) attempt.begin(onEnd);
  const jobs = await Promise.all(
    attempts.map(async (attempt) => {
      try {
        return attempt.handling ? attempt.activeJob(await attempt.validate()) : undefined;
      } catch (error) {
        attempt.fail(error);
        return undefined;
      }
    }),
  );
  const valid = attempts.filter((_, index) => jobs[index] !== undefined);
  if (valid.length === 0) return;
  try {
    const validJobs: readonly ActiveJob[] = jobs.filter((job) => job !== undefined);
    const results = (await around(validJobs, () => batch.run(validJobs as never))) as BatchReturn<unknown>;
    if (results !== undefined && !(Array.isArray(results) && results.length === valid.length))
      throw new TypeError(
        `The handler got ${valid.length} jobs and returned ${Array.isArray(results) ? `${results.length} results` : `a ${typeof results}`}. Return nothing, or an array with one entry for each job.`,
      );
    valid.forEach((attempt, index) => {
      const result: unknown = results?.[index];
      if (result instanceof Error) attempt.fail(result);
      else attempt.end(result);
    });
  } catch (error) {
    for (const attempt of valid) attempt.fail(error);
  }
}
