import { limits } from "../defaults.ts";
import type { ScheduleMove } from "../postgres/fire-schedules.ts";
import type { Row } from "../statement.ts";
import { type Timing, timingOf } from "./timing.ts";

/** The most slots of one schedule that one statement fires: what is left is due at once again. */
const mostSlots = 10;

/**
 * What to do about a schedule, by the database's time alone.
 *
 * While it is in service each due slot gets its job. Where the first of them is more than a minute late, it was out of
 * service, and all but the newest are passed over; that one is fired if it is not late itself, or `runOnce` asks for it.
 *
 * @throws Error that says what of the row cannot be read
 */
export function planOf(row: Row): ScheduleMove {
  const timing = timingOf({ cron: row.cron!, timeZone: row.time_zone!, everyMs: row.every_ms! });
  const [passed, now] = [passedOf(row.passed!), new Date(row.now!)];
  const { slots, upTo } = dueSlots(timing, passed, now, row.missed === "runOnce");
  return {
    name: row.name!,
    revision: row.revision!,
    passed: row.passed!,
    slots: slots.map((slot) => slot.toISOString()),
    // As the database wrote it: a Date has no microseconds.
    upTo: upTo?.toISOString() ?? row.passed!,
    due: timing.after(upTo ?? passed)?.toISOString() ?? "infinity",
  };
}

/** The slots after `passed` and up to `now` that get a job, and the last that is dealt with, if there is any. */
export function dueSlots(
  timing: Timing,
  passed: Date,
  now: Date,
  runOnce: boolean,
): { slots: readonly Date[]; upTo: Date | undefined } {
  const late = (slot: Date) => now.getTime() - slot.getTime() > limits.slotGraceMs;
  let slot = timing.after(passed);
  if (slot === undefined || slot > now) return { slots: [], upTo: undefined };
  if (late(slot)) {
    const last = timing.upTo(now);
    const newest = last !== undefined && last > slot ? last : slot;
    return { slots: runOnce || !late(newest) ? [newest] : [], upTo: newest };
  }
  const slots: Date[] = [];
  for (; slot !== undefined && slot <= now && slots.length < mostSlots; slot = timing.after(slot))
    slots.push(slot);
  return { slots, upTo: slots.at(-1) };
}

/** @throws Error for what SQL can store there and a Date cannot hold */
export function passedOf(text: string): Date {
  const passed = new Date(text);
  if (Number.isNaN(passed.getTime()))
    throw new Error(`its passed is ${text}, which is no time that can be worked with`);
  return passed;
}
