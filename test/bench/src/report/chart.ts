import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import type { Chart } from "./outcome.ts";

use([BarChart, LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

/** Draws a chart as SVG text, without a browser. */
export function toSvg({ title, unit, bars, lines, along }: Chart): string {
  const height = bars ? 110 + 34 * bars.length : 420;
  const chart = init(null, null, { renderer: "svg", ssr: true, width: 860, height });
  const common = {
    animation: false,
    backgroundColor: "#ffffff",
    title: { text: title, subtext: unit, left: 12, top: 8, textStyle: { fontSize: 15 } },
  };
  if (bars)
    chart.setOption({
      ...common,
      grid: { left: 12, right: 80, top: 64, bottom: 12, outerBoundsMode: "same" },
      xAxis: { type: "value", axisLabel: { formatter: thousands } },
      yAxis: {
        type: "category",
        inverse: true,
        data: bars.map(({ name }) => name),
        axisTick: { show: false },
      },
      series: [
        {
          type: "bar",
          barMaxWidth: 22,
          data: bars.map(({ name, value }) => ({ value, itemStyle: { color: colorOf(name) } })),
          label: {
            show: true,
            position: "right",
            formatter: ({ value }: { value?: unknown }) => thousands(Number(value)),
          },
        },
      ],
    });
  else
    chart.setOption({
      ...common,
      legend: { bottom: 8 },
      grid: { left: 12, right: 24, top: 64, bottom: 44, outerBoundsMode: "same" },
      xAxis: {
        type: "value",
        name: along,
        nameLocation: "middle",
        nameGap: 26,
        axisLabel: { formatter: thousands },
      },
      yAxis: { type: "value", axisLabel: { formatter: thousands } },
      series: lines!.map(({ name, points }) => ({
        type: "line",
        name,
        showSymbol: false,
        data: points.map((point) => [...point]),
      })),
    });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

/** Ours in one colour, each peer in its own. */
function colorOf(name: string): string {
  if (name.startsWith("graphile-worker")) return "#9aa5b1";
  return name.startsWith("pg-boss") ? "#c9b79c" : "#2f6f9f";
}

function thousands(value: number): string {
  return value.toLocaleString("en", { maximumSignificantDigits: 4 });
}
