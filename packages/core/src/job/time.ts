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
