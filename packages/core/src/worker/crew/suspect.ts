import type { Attempt } from "../attempt/attempt.ts";

/** Whether a crash in this attempt must be put down to it alone: its workers fell silent before. */
export function isSuspect({ job: { more }, number, maxAttempts }: Attempt): boolean {
  const lost = more?.lost ?? 0;
  return lost >= 2 || (lost === 1 && number >= maxAttempts);
}

/** Whether a crash must count, so that its start is written before it starts. */
export function mustBeMarked({ job: { more, prefetched }, number, maxAttempts }: Attempt): boolean {
  return prefetched && ((more?.lost ?? 0) > 0 || number >= maxAttempts);
}
