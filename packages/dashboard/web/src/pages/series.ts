import type { ThroughputAnswer, ThroughputView } from "../../../src/api.ts";
import { now } from "../clock.ts";

/** The stretches of time of an answer, for all queues together and each by itself; those without figures are zero. */
export interface Series {
  readonly minutes: number;
  readonly bucketSeconds: number;
  /** When each stretch begins, in seconds since 1970. */
  readonly times: readonly number[];
  /** More has ended than is read at once: the figures are estimates. */
  readonly sampled: boolean;
  readonly total: Figures;
  readonly queues: ReadonlyMap<string, Figures>;
}
interface Figures {
  readonly completed: readonly number[];
  readonly failed: readonly number[];
  readonly dead: readonly number[];
  readonly waitP95: readonly (number | null)[];
  readonly runP95: readonly (number | null)[];
}

/** The last stretch has only begun: it would look like a fall. */
export function seriesOf({ minutes, bucketSeconds, buckets }: ThroughputAnswer): Series {
  const width = bucketSeconds;
  const latest = Math.max(now(), ...buckets.map(({ from }) => Date.parse(from))) / 1_000;
  const end = Math.floor(latest / width) * width;
  const size = Math.max(1, Math.floor((minutes * 60) / width) - 1);
  const times = Array.from({ length: size }, (_, at) => end - (size - at) * width);
  const place = (bucket: ThroughputView) => Math.round((Date.parse(bucket.from) / 1_000 - times[0]!) / width);
  const names = [...new Set(buckets.map(({ queue }) => queue))].sort();
  return {
    minutes,
    bucketSeconds,
    times,
    sampled: buckets.some(({ sampled }) => sampled),
    total: figures(buckets, size, place),
    queues: new Map(
      names.map((name) => [
        name,
        figures(
          buckets.filter(({ queue }) => queue === name),
          size,
          place,
        ),
      ]),
    ),
  };
}

function figures(
  buckets: readonly ThroughputView[],
  size: number,
  place: (bucket: ThroughputView) => number,
): Figures {
  const zeros = () => new Array<number>(size).fill(0);
  const nulls = () => new Array<number | null>(size).fill(null);
  const all = { completed: zeros(), failed: zeros(), dead: zeros(), waitP95: nulls(), runP95: nulls() };
  for (const bucket of buckets) {
    const at = place(bucket);
    if (at < 0 || at >= size) continue;
    for (const name of ["completed", "failed", "dead"] as const) all[name][at]! += bucket[name];
    // Of several queues, that of the slowest: percentiles cannot be added.
    for (const [name, value] of [
      ["waitP95", bucket.waitP95Ms],
      ["runP95", bucket.runP95Ms],
    ] as const)
      if (value !== null) all[name][at] = Math.max(all[name][at] ?? 0, value);
  }
  return all;
}

export const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
export const latestOf = (values: readonly (number | null)[]) =>
  values.findLast((value) => value !== null) ?? null;
export const greatest = (values: readonly (number | null)[]) =>
  Math.max(0, ...values.map((value) => value ?? 0));
