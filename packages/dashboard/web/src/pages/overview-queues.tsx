import type { QueueView } from "../../../src/api.ts";
import type { DepthHistory } from "../depth-samples.ts";
import { capped, compact, duration, timeOfDay } from "../format.ts";
import { DepthBar } from "../parts/depth-bar.tsx";
import { jobsPage, Link } from "../parts/link.tsx";
import { Scrolled } from "../parts/scrolled.tsx";
import { Sparkline } from "../parts/sparkline.tsx";
import { State } from "../parts/state.tsx";
import { greatest, latestOf, type Series, sum } from "./series.ts";

interface Given {
  readonly series: Series;
  readonly depth: DepthHistory | undefined;
}

const columns = [
  ["Queue", ""],
  ["Depth", "wide"],
  ["Ready", "number swatch is-ready"],
  ["Running", "number swatch is-running"],
  ["Scheduled", "number swatch"],
  ["Dead", "number"],
  ["Oldest waits", "number"],
  ["Run p95", "number"],
  ["Completed", ""],
] as const;

/** Every queue in a row, that with the most trouble first. */
export function OverviewQueues({ queues, ...given }: Given & { readonly queues: readonly QueueView[] }) {
  const most = Math.max(...queues.map(({ ready, running, scheduled }) => ready + running + scheduled), 1);
  return (
    <section class="panel" aria-labelledby="queues">
      <h2 id="queues">Queues</h2>
      <Scrolled label="The queues, figure by figure">
        <table class="figures-table">
          <thead>
            <tr>
              {columns.map(([title, kind]) => (
                <th key={title} scope="col" class={kind}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {[...queues].sort(worstFirst).map((queue) => (
              <Row key={queue.name} queue={queue} most={most} {...given} />
            ))}
          </tbody>
        </table>
      </Scrolled>
    </section>
  );
}

function Row({ queue, most, series, depth }: Given & { readonly queue: QueueView; readonly most: number }) {
  const { name, oldestReadyMs, pausedAt } = queue;
  const figures = series.queues.get(name);
  const completed = figures?.completed ?? series.times.map(() => 0);
  const run = figures ? latestOf(figures.runP95) : null;
  const waited = depth?.queues.get(name);
  return (
    <tr>
      <th scope="row">
        <span class="name">{name}</span> {pausedAt !== null && <State word="paused" />}
      </th>
      <td class="wide">
        <DepthBar queue={queue} most={most} />
        {depth && waited && (
          <Sparkline
            label={`Ready in ${name} since ${timeOfDay(depth.since * 1_000)}: at most ${capped(greatest(waited))}`}
            times={depth.times}
            values={waited}
            colour="--series-3"
          />
        )}
      </td>
      {(["ready", "running", "scheduled", "dead"] as const).map((state) => (
        <td key={state} class={`number ${queue[state] === 0 ? "is-zero" : state === "dead" ? "is-bad" : ""}`}>
          {queue[state] === 0 ? (
            0
          ) : (
            <Link to={jobsPage({ queue: name, state })}>
              {state === "ready" ? capped(queue.ready, queue.readyMore) : capped(queue[state])}
            </Link>
          )}
        </td>
      ))}
      <td class="number">{oldestReadyMs === null ? "–" : duration(oldestReadyMs)}</td>
      <td class="number">{run === null ? "–" : duration(run)}</td>
      <td>
        <span class="with-sparkline">
          <Sparkline
            label={`${compact(sum(completed))} completed in the last ${series.minutes} minutes`}
            times={series.times}
            values={completed}
            colour="--series-1"
          />
          <span class="number">{compact(sum(completed))}</span>
        </span>
      </td>
    </tr>
  );
}

/** Dead jobs and long waits before mere size. */
function worstFirst(one: QueueView, other: QueueView): number {
  return (
    Number(other.dead > 0) - Number(one.dead > 0) ||
    (other.oldestReadyMs ?? 0) - (one.oldestReadyMs ?? 0) ||
    one.name.localeCompare(other.name)
  );
}
