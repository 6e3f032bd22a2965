import type { QueueView } from "../../../src/api.ts";
import type { DepthHistory } from "../depth-samples.ts";
import { compact, duration, plural } from "../format.ts";
import { Chart, type Line } from "../parts/chart.tsx";
import { OverviewDepth } from "./overview-depth.tsx";
import { coloursOf, mostCurves } from "./queue-colours.ts";
import { greatest, latestOf, type Series, sum } from "./series.ts";

interface OverviewChartsProps {
  readonly series: Series;
  readonly queues: readonly QueueView[];
  readonly depth: DepthHistory | undefined;
}

export function OverviewCharts({ series, queues, depth }: OverviewChartsProps) {
  const { total, times, bucketSeconds, minutes } = series;
  const perSecond = (values: readonly number[]) => values.map((value) => value / bucketSeconds);
  const completed = sum(total.completed);
  const failed = sum(total.failed);
  const dead = sum(total.dead);
  const span = minutes < 60 ? `${minutes} minutes` : minutes === 60 ? "hour" : `${minutes / 60} hours`;
  const failing: Line[] = [
    { name: "failed attempts", colour: "--series-warn", values: perSecond(total.failed) },
    { name: "dead", colour: "--series-bad", values: perSecond(total.dead) },
  ];
  return (
    <div class="charts">
      <section class="panel" aria-labelledby="throughput">
        <h2 id="throughput">Throughput</h2>
        <p class="figures">
          <strong>
            {series.sampled ? "about " : ""}
            {compact(completed)}
          </strong>{" "}
          completed
        </p>
        <Chart
          label={`Jobs completed each second over the last ${span}: ${plural(completed, "job")} in all.`}
          times={times}
          lines={[
            { name: "completed", colour: "--series-1", values: perSecond(total.completed), filled: true },
          ]}
          say={rate}
          least={0.5}
        />
      </section>
      <section class="panel" aria-labelledby="failures">
        <h2 id="failures">Failures</h2>
        <p class="figures">
          <strong>{compact(failed)}</strong> failed {failed === 1 ? "attempt" : "attempts"},{" "}
          <strong class={dead > 0 ? "is-bad" : ""}>{compact(dead)}</strong> dead
        </p>
        <Chart
          label={`Over the last ${span}: ${plural(failed, "failed attempt")}, ${plural(dead, "dead job")}.`}
          times={times}
          lines={failing}
          say={rate}
          least={0.5}
        />
      </section>
      <Waits series={series} queues={queues} />
      <OverviewDepth history={depth} queues={queues} />
    </div>
  );
}

/** How long jobs wait until they start, and how long they then run: 95 of 100 take no longer. */
function Waits({ series, queues }: { series: Series; queues: readonly QueueView[] }) {
  const worst = [...series.queues]
    .filter(([, { waitP95 }]) => waitP95.some((value) => value !== null))
    .sort(([, one], [, other]) => greatest(other.waitP95) - greatest(one.waitP95))
    .slice(0, mostCurves);
  const colours = coloursOf(
    worst.map(([name]) => name),
    queues,
  );
  const latest = Math.max(...worst.map(([, { waitP95 }]) => latestOf(waitP95) ?? 0), 0);
  return (
    <section class="panel" aria-labelledby="latency">
      <h2 id="latency">Latency</h2>
      <p class="figures">
        <strong>{worst.length === 0 ? "–" : duration(latest)}</strong> to start, 95th percentile
      </p>
      <Chart
        label={`How long jobs wait until they start, 95th percentile: ${
          worst.map(([name, { waitP95 }]) => `${name} ${duration(latestOf(waitP95) ?? 0)}`).join(", ") ||
          "no figures"
        }.`}
        times={series.times}
        lines={worst.map(([name, { waitP95 }], at) => ({ name, colour: colours[at]!, values: waitP95 }))}
        say={duration}
        least={100}
      />
    </section>
  );
}

const rate = (value: number) =>
  `${value >= 100 ? Math.round(value) : Number(value.toFixed(value >= 10 ? 1 : 2))}/s`;
