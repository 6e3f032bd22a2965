import { useRef } from "preact/hooks";
import type uPlot from "uplot";
import { usePlot } from "./plot.ts";

export interface Line {
  readonly name: string;
  /** A custom property: `--series-1`. */
  readonly colour: string;
  readonly values: readonly (number | null)[];
  readonly filled?: boolean | undefined;
}
interface ChartProps {
  /** What it shows, in words, with the latest figures. */
  readonly label: string;
  /** Seconds since 1970. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  /** A figure with its unit. */
  readonly say: (value: number) => string;
  /** The greatest value that fills the chart by itself: a quiet queue must not look like a storm. */
  readonly least: number;
  /** The page saw it itself: it begins when that did, and where nobody looked the curve is broken. */
  readonly watched?: boolean | undefined;
}

/** What has been watched for less than a minute fills the chart from the right. */
const atLeast = ({ data: [times] }: uPlot): [number, number] => {
  const [from = 0, to = 60] = [times[0], times.at(-1)];
  return [Math.min(from, to - 60), to];
};
/** Of so few there is no curve to see. */
const fewPoints = (_: uPlot, __: number, from: number, to: number) => to - from < 2;

/** Curves over time, with what stands under the pointer in words. */
export function Chart({ label, times, lines, say, least, watched = false }: ChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const latest = useRef(say);
  latest.current = say;
  const data = [times, ...lines.map(({ values }) => values)] as uPlot.AlignedData;
  const shape = [least, watched, ...lines.map(({ name, colour }) => name + colour)].join("\n");
  usePlot(frame, data, shape, ({ colour, font }) => {
    const axis = { stroke: colour("--ink-soft"), font, ticks: { show: false } };
    const grid = { stroke: colour("--rule"), width: 1 };
    return {
      height: 190,
      padding: [8, 18, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
      scales: {
        ...(watched && { x: { range: atLeast } }),
        y: { range: (_, __, max) => [0, Math.max(max ?? 0, least) * 1.08] },
      },
      axes: [
        { ...axis, grid: { show: false }, space: 64, size: 26, values: timeMarks },
        {
          ...axis,
          grid,
          size: 56,
          space: 44,
          values: (_, marks) => marks.map((mark) => latest.current(mark)),
        },
      ],
      series: [
        {},
        ...lines.map((line) => ({
          label: line.name,
          stroke: colour(line.colour),
          width: 1.75,
          points: { show: watched ? fewPoints : false, size: 4 },
          spanGaps: !watched,
          ...(line.filled ? { fill: colour(`${line.colour}-area`) } : {}),
        })),
      ],
      hooks: { setCursor: [(self) => tell(self, frame.current!, latest.current)] },
    };
  });

  return (
    <figure class="chart">
      <div ref={frame} class="chart-frame" role="img" aria-label={label} />
      <figcaption class="legend">
        {lines.map(({ name, colour }) => (
          <span key={name} class={`key is${colour.slice(1)}`}>
            {name}
          </span>
        ))}
        <span class="reading" aria-hidden="true" />
      </figcaption>
    </figure>
  );
}

const time = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hour12: false });
const exact = new Intl.DateTimeFormat("en", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hour12: false,
});
const timeMarks = (_: uPlot, marks: number[], __: number, ___: number, apart: number) =>
  marks.map((mark) => (apart < 60 ? exact : time).format(mark * 1_000));

/** What stands under the pointer, as text below the chart. */
function tell(self: uPlot, frame: HTMLElement, say: (value: number) => string): void {
  const reading = frame.parentElement?.querySelector(".reading");
  if (!reading) return;
  const at = self.cursor.idx;
  const when = at === null || at === undefined ? undefined : self.data[0]![at];
  reading.textContent =
    when === undefined
      ? ""
      : `${exact.format(when * 1_000)}: ${self.series
          .slice(1)
          .map((series, index) => [series.label as string, self.data[index + 1]![at!]] as const)
          .filter((pair): pair is readonly [string, number] => typeof pair[1] === "number")
          .map(([name, value]) => `${name} ${say(value)}`)
          .join(" · ")}`;
}
