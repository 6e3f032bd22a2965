import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import type { Chart } from "./outcome.ts";

use([BarChart, LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

const width = 900;

/** Draws a chart as SVG text, without a browser. */
export function toSvg(chart: Chart): string {
  const height = chart.bars ? 100 + 34 * chart.bars.length : 420;
  const drawing = init(null, null, { renderer: "svg", ssr: true, width, height });
  drawing.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    title: { text: chart.title, subtext: chart.unit, left: 12, top: 8, textStyle: { fontSize: 15 } },
    ...(chart.bars ? asBars(chart.bars) : asLines(chart.lines!, chart.along)),
  });
  const svg = drawing.renderToSVGString();
  drawing.dispose();
  return svg;
}

function asBars(bars: NonNullable<Chart["bars"]>) {
  return {
    grid: { left: widthOf(bars.map(({ name }) => name)) + 12, right: 80, top: 64, bottom: 30 },
    xAxis: { type: "value", axisLabel: { formatter: figure } },
    yAxis: { type: "category", inverse: true, data: bars.map(({ name }) => name), axisTick: { show: false } },
    series: [
      {
        type: "bar",
        barMaxWidth: 22,
        data: bars.map(({ name, value }) => ({ value, itemStyle: { color: colorOf(name) } })),
        label: {
          show: true,
          position: "right",
          formatter: ({ value }: { value?: unknown }) => figure(Number(value)),
        },
      },
    ],
  };
}

function asLines(lines: NonNullable<Chart["lines"]>, along: string | undefined) {
  const names = lines.map(({ name }) => name);
  return {
    legend: { orient: "vertical", left: width - widthOf(names) - 44, top: 64, align: "left" },
    grid: { left: 70, right: widthOf(names) + 64, top: 64, bottom: 48 },
    xAxis: {
      type: "value",
      name: along,
      nameLocation: "middle",
      nameGap: 28,
      axisLabel: { formatter: figure },
    },
    yAxis: { type: "value", axisLabel: { formatter: figure } },
    series: lines.map(({ name, points }) => ({
      type: "line",
      name,
      symbol: "none",
      color: colorOf(name),
      lineStyle: { type: name.includes("held") ? "dashed" : "solid" },
      data: points.map((point) => [...point]),
    })),
  };
}

/** Room for the longest text: without a browser nobody can measure it. */
function widthOf(texts: readonly string[]): number {
  return 7 * Math.max(...texts.map((text) => text.length));
}

/** Ours in one colour, each peer in its own. */
function colorOf(name: string): string {
  if (name.startsWith("graphile-worker")) return "#8a94a0";
  return name.startsWith("pg-boss") ? "#c2a878" : "#2f6f9f";
}

function figure(value: number): string {
  return value.toLocaleString("en", { maximumSignificantDigits: 4 });
}
