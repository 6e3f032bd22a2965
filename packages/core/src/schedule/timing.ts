import { Cron } from "croner";
import { limits } from "../defaults.ts";
import { show } from "../show.ts";

/** When a schedule's slots are. Any worker, at any time, works out the same ones. */
export interface Timing {
  /** The first slot after `time`; undefined where none comes. */
  after(time: Date): Date | undefined;
  /** The last slot not after `time`; undefined where there was none. */
  upTo(time: Date): Date | undefined;
}

/** A schedule's timing as it is written down. */
export interface TimingText {
  readonly cron: string | null;
  readonly timeZone: string | null;
  readonly everyMs: string | null;
}

/** @throws Error that says what cannot be read, to follow "schedule … cannot be read: " */
export function timingOf({ cron, timeZone, everyMs }: TimingText): Timing {
  const issue = everyMs === null ? cronIssueOf(cron, timeZone) : intervalIssueOf(Number(everyMs));
  if (issue !== undefined) throw new Error(issue);
  return everyMs === null ? cronTiming(cron!, timeZone!) : intervalTiming(Number(everyMs));
}

/** Says why these are no cron line and time zone, if they are not. */
export function cronIssueOf(cron: unknown, timeZone: unknown): string | undefined {
  // Intl alone would take offsets, in some versions of Node, and an empty text as the process's own zone.
  if (typeof timeZone !== "string" || !/^[A-Za-z]/.test(timeZone) || !isZone(timeZone))
    return `its timeZone ${show(timeZone)} is no time zone that this Node knows. Pass an IANA name: "Europe/Berlin"`;
  if (typeof cron !== "string") return `its cron is ${show(cron)}, not a text`;
  const fields = cron.trim().split(/\s+/);
  if (!(fields.length === 5 || fields.length === 6 || /^@[a-z]+$/i.test(cron.trim())))
    return `its cron line ${show(cron)} has ${fields.length} fields, not 5 (minute hour day month weekday) or 6 (with seconds first)`;
  try {
    // Whether it ever comes does not depend on the time from which one looks.
    if (cronTiming(cron, timeZone).after(new Date(0)) === undefined)
      return `its cron line ${show(cron)} names no date that ever comes`;
    return undefined;
  } catch (error) {
    return `its cron line ${show(cron)} is not valid: ${(error as Error).message.replace(/^CronPattern: /, "")}`;
  }
}

/** Says why this is no interval, if it is none. */
export function intervalIssueOf(everyMs: unknown): string | undefined {
  if (
    Number.isInteger(everyMs) &&
    (everyMs as number) >= limits.minEveryMs &&
    (everyMs as number) <= limits.durationMs
  )
    return undefined;
  return `its everyMs is ${show(everyMs)}, not a whole number of milliseconds from ${limits.minEveryMs} to ${limits.durationMs}`;
}

function cronTiming(cron: string, timezone: string): Timing {
  const line = new Cron(cron, {
    paused: true,
    timezone,
    mode: "5-or-6-parts",
    // A line without wildcard or step names times of the day: each has one slot a day, also when the clock is changed.
    fixedTimeRule: "no-wildcard",
  });
  return {
    after(time) {
      const slot = line.nextRun(time) ?? undefined;
      // Whoever moves along the slots must get on, whatever the library may do at some change of the clock.
      if (slot !== undefined && slot <= time)
        throw new Error(
          `its cron line ${show(cron)} has no slot after ${time.toISOString()} but ${slot.toISOString()}`,
        );
      return slot;
    },
    // The library answers what is before the second it is given.
    upTo: (time) => line.previousRuns(1, new Date(Math.floor(time.getTime() / 1_000) * 1_000 + 1_000))[0],
  };
}

function intervalTiming(everyMs: number): Timing {
  const at = (time: Date) => Math.floor(time.getTime() / everyMs) * everyMs;
  return { after: (time) => new Date(at(time) + everyMs), upTo: (time) => new Date(at(time)) };
}

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
