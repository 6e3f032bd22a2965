import type { QueueView } from "../../../src/api.ts";
import type { DepthHistory } from "../depth-samples.ts";
import { capped, timeOfDay } from "../format.ts";
import { Chart, type Line } from "../parts/chart.tsx";
import { coloursOf, mostCurves } from "./queue-colours.ts";
import { greatest } from "./series.ts";

/** How many jobs of each queue are ready and not begun, as long as the page has watched. */
export function OverviewDepth({
  history,
  queues,
}: {
  history: DepthHistory | undefined;
  queues: readonly QueueView[];
}) {
  const ready = queues.reduce((total, queue) => total + queue.ready, 0);
  const more = queues.some(({ readyMore }) => readyMore);
  const worst = [...queues].sort((one, other) => other.ready - one.ready).slice(0, mostCurves);
  return (
    <section class="panel" aria-labelledby="depth">
      <h2 id="depth">Depth</h2>
      <p class="figures">
        <strong>{capped(ready, more)}</strong> ready to run
        {history && <span class="hint"> · watched here since {timeOfDay(history.since * 1_000)}</span>}
      </p>
      <Chart
        label={`Jobs that are ready to run: ${
          worst.map((queue) => `${queue.name} ${capped(queue.ready, queue.readyMore)}`).join(", ") || "none"
        }.`}
        times={history?.times ?? []}
        lines={history ? linesOf(history, queues) : []}
        say={capped}
        least={5}
        watched
      />
      {history?.broken && (
        <p class="hint">Where the curves are broken, this tab was hidden or showed another page.</p>
      )}
    </section>
  );
}

/** The deepest queues each, and what all others have together. */
function linesOf({ times, queues: seen }: DepthHistory, queues: readonly QueueView[]): Line[] {
  const ranked = [...seen.keys()].sort(
    (one, other) => greatest(seen.get(other)!) - greatest(seen.get(one)!) || one.localeCompare(other),
  );
  const own = ranked.slice(0, mostCurves);
  const rest = ranked.slice(mostCurves);
  const colours = coloursOf(own, queues);
  const lines: Line[] = own.map((name, at) => ({ name, colour: colours[at]!, values: seen.get(name)! }));
  if (rest.length > 0)
    lines.push({
      name: rest.length === 1 ? rest[0]! : `${rest.length} others together`,
      colour: "--series-rest",
      values: times.map((_, at) =>
        rest.reduce<number | null>((total, name) => {
          const value = seen.get(name)![at]!;
          return value === null ? total : (total ?? 0) + value;
        }, null),
      ),
    });
  return lines;
}
