import { InvalidRequestError } from "@pillion/core";
import { milliseconds } from "./output/text.ts";

/** `--in` or `--at`, one of which is needed. @throws InvalidRequestError */
export function timeOf(
  options: { readonly in?: string | undefined; readonly at?: string | undefined },
  verb: string,
): { delayMs: number } | { runAt: Date } {
  if ((options.in === undefined) === (options.at === undefined))
    throw new InvalidRequestError(`${verb}: pass --in or --at, and not both.`);
  if (options.in !== undefined) return { delayMs: durationOf(options.in, "--in") };
  return { runAt: dateOf(options.at!, "--at") };
}

export function durationOf(text: string, option: string): number {
  const found = milliseconds(text);
  if (found !== undefined) return found;
  throw new InvalidRequestError(`${option} ${text} is no duration such as 90s, 10m, 2h or 7d.`);
}

export function dateOf(text: string, option: string): Date {
  // Without its zone it would mean one time here, and another on the server.
  const date = /^\d{4}-\d\d-\d\dT\d\d:\d\d.*(Z|[+-]\d\d:\d\d)$/.test(text)
    ? new Date(text)
    : new Date(Number.NaN);
  if (!Number.isNaN(date.getTime())) return date;
  throw new InvalidRequestError(
    `${option} ${text} is no ISO time with its zone, such as 2026-12-24T18:00:00Z.`,
  );
}
