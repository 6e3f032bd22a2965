import { defaults, limits } from "../defaults.ts";
import { show } from "../show.ts";

/**
 * How long a job waits before it is tried again. `exponential`: `baseMs × factor^(failed attempts - 1)`, at most
 * `maxMs`, shortened by a random share of up to `jitter` (0 to 1). All times in milliseconds.
 */
export type Backoff =
  | { readonly type: "fixed"; readonly delayMs: number; readonly jitter?: number | undefined }
  | {
      readonly type: "exponential";
      readonly baseMs?: number | undefined;
      readonly factor?: number | undefined;
      readonly maxMs?: number | undefined;
      readonly jitter?: number | undefined;
    };

/** Says what is wrong with a backoff, if anything. */
export function backoffIssueOf(backoff: Backoff): string | undefined {
  const number = (field: string, value: unknown, least: number, most: number) =>
    value === undefined || (typeof value === "number" && value >= least && value <= most)
      ? undefined
      : `backoff.${field} is ${show(value)}, not a number from ${least} to ${most}`;
  const jitter = number("jitter", backoff?.jitter, 0, 1);
  if (backoff?.type === "fixed") {
    const missing = backoff.delayMs === undefined ? "backoff.delayMs is missing" : undefined;
    return missing ?? number("delayMs", backoff.delayMs, 0, limits.durationMs) ?? jitter;
  }
  if (backoff?.type === "exponential")
    return (
      number("baseMs", backoff.baseMs, 0, limits.durationMs) ??
      number("factor", backoff.factor, 1, 1_000) ??
      number("maxMs", backoff.maxMs, 0, limits.durationMs) ??
      jitter
    );
  return `backoff.type is ${show((backoff as { type?: unknown } | null)?.type)}, not "fixed" or "exponential"`;
}

/** Milliseconds until the next attempt, after `failed` attempts have failed. */
export function backoffDelayMs(backoff: Backoff, failed: number, random: () => number = Math.random): number {
  const fallback = defaults.backoff;
  const full =
    backoff.type === "fixed"
      ? backoff.delayMs
      : Math.min(
          backoff.maxMs ?? fallback.maxMs,
          (backoff.baseMs ?? fallback.baseMs) * (backoff.factor ?? fallback.factor) ** (failed - 1),
        );
  return Math.round(
    full * (1 - (backoff.jitter ?? (backoff.type === "fixed" ? 0 : fallback.jitter)) * random()),
  );
}
