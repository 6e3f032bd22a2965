import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { usePainted } from "../theme.ts";

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
}

const height = 190;

/** Curves over time, drawn by uPlot. It is drawn anew where lines or colours change, else only its figures are. */
export function Chart({ label, times, lines, say, least }: ChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const painted = usePainted();
  const data = [times, ...lines.map(({ values }) => values)] as uPlot.AlignedData;
  const shape = lines.map(({ name, colour }) => name + colour).join("\n");
  const latest = useRef({ data, say });
  latest.current = { data, say };

  useEffect(() => {
    const element = frame.current!;
    const style = getComputedStyle(element);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const font = `12px ${style.fontFamily}`;
    const axis = { stroke: colour("--ink-soft"), font, ticks: { show: false } };
    const grid = { stroke: colour("--rule"), width: 1 };
    plot.current = new uPlot(
      {
        width: Math.max(element.clientWidth, 200),
        height,
        padding: [8, 18, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
        scales: { y: { range: (_, __, max) => [0, Math.max(max ?? 0, least) * 1.08] } },
        axes: [
          { ...axis, grid: { show: false }, space: 64, size: 26, values: timeMarks },
          {
            ...axis,
            grid,
            size: 56,
            space: 44,
            values: (_, marks) => marks.map((mark) => latest.current.say(mark)),
          },
        ],
        series: [
          {},
          ...lines.map((line) => ({
            label: line.name,
            stroke: colour(line.colour),
            width: 1.75,
            points: { show: false },
            spanGaps: true,
            ...(line.filled ? { fill: colour(`${line.colour}-area`) } : {}),
          })),
        ],
        hooks: { setCursor: [(self) => tell(self, frame.current!, latest.current.say)] },
      },
      latest.current.data,
      element,
    );
    const resized = new ResizeObserver(() =>
      plot.current?.setSize({ width: Math.max(element.clientWidth, 200), height }),
    );
    resized.observe(element);
    return () => {
      resized.disconnect();
      plot.current?.destroy();
    };
  }, [shape, painted, least]);
  useEffect(() => plot.current?.setData(data));

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
const timeMarks = (_: uPlot, marks: number[]) => marks.map((mark) => time.format(mark * 1_000));

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
