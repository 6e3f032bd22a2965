import { InvalidConfigurationError } from "../errors.ts";
import { show } from "../show.ts";

/** How much one call of `runOnce` may do. */
export interface RunOnceOptions {
  /** When to stop taking jobs and hand back what still runs, in milliseconds; default 50,000. */
  readonly maxMs?: number | undefined;
  /** How many jobs to run at most; default 500. */
  readonly maxJobs?: number | undefined;
}

/** What one call of `runOnce` did. */
export interface RunOnceResult {
  /** Attempts that ended, with or without success. */
  readonly ran: number;
  readonly failed: number;
  /** True where a bound was reached: there may be more jobs. */
  readonly more: boolean;
}

/** The bounds of one call, with what applies where none is named. @throws InvalidConfigurationError */
export function toBounds(options: RunOnceOptions | undefined): { maxMs: number; maxJobs: number } {
  const bounds = { maxMs: 50_000, maxJobs: 500 };
  if (options === undefined) return bounds;
  const refuse = (what: string): never => {
    throw new InvalidConfigurationError(`runOnce: ${what}`);
  };
  if (typeof options !== "object" || options === null)
    refuse(`pass one object, { maxMs, maxJobs }, and not ${show(options)}.`);
  for (const [field, value] of Object.entries(options)) {
    if (!Object.hasOwn(bounds, field)) refuse(`unknown option "${field}".`);
    if (value === undefined) continue;
    if (!(Number.isInteger(value) && value >= 1 && value <= 2_147_483_647))
      refuse(`${field} is ${show(value)}, not a whole number of at least 1.`);
    bounds[field as keyof typeof bounds] = value;
  }
  return bounds;
}
