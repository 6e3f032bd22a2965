import { limits } from "../defaults.ts";
import { InvalidRequestError } from "../errors.ts";
import { isPlainObject } from "../json.ts";
import { show } from "../show.ts";

/** Says why Postgres cannot store this as a time, if so. */
export function timestampIssueOf(value: unknown): string | undefined {
  if (!(value instanceof Date)) return `is ${show(value)}, not a Date`;
  if (Number.isNaN(value.getTime())) return "is an invalid Date";
  if (value.getUTCFullYear() < -4_000) return "is before the year -4000, which Postgres cannot store";
  return undefined;
}

/** ISO text that Postgres reads in every DateStyle, beyond the years 0 to 9999 too. */
export function timestampText(date: Date): string {
  const iso = date.toISOString();
  if (iso.startsWith("+")) return iso.slice(1);
  if (!iso.startsWith("-") && !iso.startsWith("0000")) return iso;
  const year = 1 - date.getUTCFullYear();
  return `${String(year).padStart(4, "0")}${iso.slice(iso.indexOf("-", 1))} BC`;
}

/** When jobs are to start: at a time, or in so many milliseconds, by the database's clock. */
export type Time =
  | { readonly runAt: Date; readonly delayMs?: undefined }
  | { readonly delayMs: number; readonly runAt?: undefined };

/** A time as the statement takes it. @throws InvalidRequestError */
export function timeText(time: Time): { runAt: string | null; delayMs: string | null } {
  const refuse = (issue: string): never => {
    throw new InvalidRequestError(
      `reschedule: ${issue}. Pass { runAt } or { delayMs }. Nothing was sent to the database.`,
    );
  };
  if (typeof time !== "object" || time === null || !isPlainObject(time))
    return refuse(`got ${show(time)} for the time`);
  const unknown = Object.keys(time).find((key) => key !== "runAt" && key !== "delayMs");
  if (unknown !== undefined) refuse(`the time has the unknown property ${JSON.stringify(unknown)}`);
  const { runAt, delayMs }: { runAt?: Date | undefined; delayMs?: number | undefined } = time;
  if ((runAt === undefined) === (delayMs === undefined))
    refuse(`the time has ${runAt === undefined ? "neither" : "both"}`);
  if (delayMs !== undefined) {
    if (!(typeof delayMs === "number" && delayMs >= 0 && delayMs <= limits.durationMs))
      refuse(`delayMs is ${show(delayMs)}, not a number of milliseconds from 0 to ${limits.durationMs}`);
    return { runAt: null, delayMs: String(delayMs) };
  }
  const issue = timestampIssueOf(runAt);
  if (issue !== undefined) refuse(`runAt ${issue}`);
  return { runAt: timestampText(runAt!), delayMs: null };
}
