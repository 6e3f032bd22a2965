import { limits } from "../defaults.ts";

/** Return it from a handler to have the job run again later, with no attempt used. Made by `job.snooze`. */
export class Snooze {
  /** @throws RangeError for a delay that is no number of milliseconds */
  constructor(readonly delayMs: number) {
    if (!(typeof delayMs === "number" && delayMs >= 0 && delayMs <= limits.durationMs))
      throw new RangeError(
        `snooze: delayMs is ${String(delayMs)}, not a number of milliseconds from 0 to ${limits.durationMs}.`,
      );
  }
}
