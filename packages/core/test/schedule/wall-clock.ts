/** One minute as a zone's clock shows it. */
export interface WallMinute {
  readonly instant: number;
  readonly minute: number;
  readonly hour: number;
  /** Days since 1970 of the date that the clock shows. */
  readonly day: number;
}

const minuteMs = 60_000;

/** Every minute from one time to another, as the zone's clock shows it: by Intl alone. */
export function wallMinutes(timeZone: string, from: string, to: string): WallMinute[] {
  const format = new Intl.DateTimeFormat("en", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
  });
  const minutes: WallMinute[] = [];
  for (let instant = Date.parse(from); instant <= Date.parse(to); instant += minuteMs) {
    const parts = Object.fromEntries(
      format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]),
    );
    const day = Date.UTC(parts.year!, parts.month! - 1, parts.day!) / 86_400_000;
    minutes.push({ instant, minute: parts.minute!, hour: parts.hour!, day });
  }
  return minutes;
}

/** Minutes since 1970 that the clock shows. */
const shown = ({ minute, hour, day }: WallMinute) => day * 1_440 + hour * 60 + minute;

/**
 * What the rule says, worked out by looking at every minute: a line of fixed times has the first minute that shows
 * each of them, or the end of the gap that swallows it; any other line has every minute that shows one.
 */
export function slotsByRule(
  clock: readonly WallMinute[],
  minutes: ReadonlySet<number>,
  hours: ReadonlySet<number>,
  fixed: boolean,
): number[] {
  const matches = (time: number) => minutes.has(time % 60) && hours.has(Math.floor(time / 60) % 24);
  if (!fixed) return clock.filter((at) => matches(shown(at))).map(({ instant }) => instant);
  const slots = new Set<number>();
  let latest = shown(clock[0]!) - 1;
  for (const at of clock) {
    for (let time = latest + 1; time <= shown(at); time++) if (matches(time)) slots.add(at.instant);
    latest = Math.max(latest, shown(at));
  }
  return [...slots];
}
