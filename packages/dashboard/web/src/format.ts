const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export const count = (value: number) => whole.format(value);
export const compact = (value: number) => (value < 10_000 ? whole.format(value) : short.format(value));
/** The server stops counting there, or where it says that there are more. */
export const capped = (value: number, more = value >= 10_000) => `${whole.format(value)}${more ? "+" : ""}`;
export const plural = (value: number, one: string, many = `${one}s`) =>
  `${whole.format(value)} ${value === 1 ? one : many}`;

const units: readonly (readonly [name: string, ms: number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
];

/** `850 ms`, `2.4 s`, `3 min 20 s`, `2 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10_000) return `${(Math.floor(ms / 100) / 10).toFixed(1).replace(/\.0$/, "")} s`;
  const at = units.findIndex(([, size]) => ms >= size);
  const [name, size] = units[at]!;
  const first = `${Math.floor(ms / size)} ${name}`;
  const [nextName, nextSize] = units[at + 1] ?? ["", 0];
  const rest = nextSize ? Math.floor((ms % size) / nextSize) : 0;
  return rest > 0 ? `${first} ${rest} ${nextName}` : first;
}

/** The same with one unit: what is read at a glance, and told anew each second. */
export function roughly(ms: number): string {
  const unit = units.find(([, size]) => ms >= size);
  return unit ? `${Math.floor(ms / unit[1])} ${unit[0]}` : "0 s";
}

const clockTime = new Intl.DateTimeFormat("en", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hour12: false,
});
const fullTime = new Intl.DateTimeFormat("en", {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hour12: false,
  timeZoneName: "short",
});
const dayTime = new Intl.DateTimeFormat("en", {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hour12: false,
});

export const timeOfDay = (at: number) => clockTime.format(at);
export const fullMoment = (at: number) => fullTime.format(at);
/** The time alone where it was within half a day. */
export const moment = (at: number, nowMs: number) =>
  (Math.abs(nowMs - at) < 43_200_000 ? clockTime : dayTime).format(at);
