import { useEffect, useState } from "preact/hooks";

/** How far this computer's clock is behind the server's: a wrong one must not turn "3 s ago" into "in 2 min". */
let behindMs = 0;

/** The `Date` of an answer, which is cut to the second: only what cannot be rounding counts. */
export function heardFrom(date: string | null): void {
  const at = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(at)) return;
  const difference = at + 500 - Date.now();
  behindMs = Math.abs(difference) > 2_000 ? difference : 0;
}

export const now = () => Date.now() + behindMs;

/** The time, told anew each second for as long as somebody looks. */
export function useNow(everyMs = 1_000): number {
  const [time, setTime] = useState(now);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) setTime(now());
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return time;
}
