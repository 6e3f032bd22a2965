import { useRef } from "preact/hooks";
import { usePlot } from "./plot.ts";

interface SparklineProps {
  /** What it shows, in words, for those who do not see it. */
  readonly label: string;
  /** Seconds since 1970. */
  readonly times: readonly number[];
  readonly values: readonly (number | null)[];
  /** A custom property: `--series-1`. */
  readonly colour: string;
}

/** A small curve beside a figure. Where a value is null it is broken. */
export function Sparkline({ label, times, values, colour }: SparklineProps) {
  const frame = useRef<HTMLSpanElement>(null);
  usePlot(frame, [[...times], [...values]], colour, (paint) => ({
    height: 22,
    padding: [1, 0, 1, 0],
    legend: { show: false },
    cursor: { show: false },
    axes: [{ show: false }, { show: false }],
    scales: { y: { range: (_, __, most) => [0, Math.max(most ?? 0, 1)] } },
    series: [
      {},
      {
        stroke: paint.colour(colour),
        fill: paint.colour(`${colour}-area`),
        width: 1.25,
        points: { show: false },
      },
    ],
  }));
  return <span ref={frame} class="sparkline" role="img" aria-label={label} />;
}
