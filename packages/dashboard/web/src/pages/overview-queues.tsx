import type { QueueView } from "../../../src/api.ts";
import { capped, compact, duration } from "../format.ts";
import { DepthBar } from "../parts/depth-bar.tsx";
import { jobsPage, Link } from "../parts/link.tsx";
import { Scrolled } from "../parts/scrolled.tsx";
import { Sparkline } from "../parts/sparkline.tsx";
import { State } from "../parts/state.tsx";
import { latestOf, type Series, sum } from "./series.ts";

/** Every queue in a row, that with the most trouble first. */
export function OverviewQueues({ queues, series }: { queues: readonly QueueView[]; series: Series }) {
  const most = Math.max(...queues.map(({ ready, running, scheduled }) => ready + running + scheduled), 1);
  return (
    <section class="panel" aria-labelledby="queues">
      <h2 id="queues">Queues</h2>
      <Scrolled label="The queues, figure by figure">
        <table class="figures-table">
          <thead>
            <tr>
              <th scope="col">Queue</th>
              <th scope="col" class="wide">
                Depth
              </th>
              <th scope="col" class="number swatch is-ready">
                Ready
              </th>
              <th scope="col" class="number swatch is-running">
                Running
              </th>
              <th scope="col" class="number swatch">
                Scheduled
              </th>
              <th scope="col" class="number">
                Dead
              </th>
              <th scope="col" class="number">
                Oldest waits
              </th>
              <th scope="col" class="number">
                Run p95
              </th>
              <th scope="col">Completed</th>
            </tr>
          </thead>
          <tbody>
            {[...queues].sort(worstFirst).map((queue) => (
              <Row key={queue.name} queue={queue} most={most} series={series} />
            ))}
          </tbody>
        </table>
      </Scrolled>
    </section>
  );
}

function Row({ queue, most, series }: { queue: QueueView; most: number; series: Series }) {
  const { name, ready, running, scheduled, dead, oldestReadyMs, pausedAt } = queue;
  const figures = series.queues.get(name);
  const completed = figures?.completed ?? series.times.map(() => 0);
  const run = figures ? latestOf(figures.runP95) : null;
  const cell = (state: string, value: number) => (
    <td class={`number ${value === 0 ? "is-zero" : state === "dead" ? "is-bad" : ""}`}>
      {value === 0 ? 0 : <Link to={jobsPage({ queue: name, state })}>{capped(value)}</Link>}
    </td>
  );
  return (
    <tr>
      <th scope="row">
        <span class="name">{name}</span> {pausedAt !== null && <State word="paused" />}
      </th>
      <td class="wide">
        <DepthBar queue={queue} most={most} />
      </td>
      {cell("ready", ready)}
      {cell("running", running)}
      {cell("scheduled", scheduled)}
      {cell("dead", dead)}
      <td class="number">{oldestReadyMs === null ? "–" : duration(oldestReadyMs)}</td>
      <td class="number">{run === null ? "–" : duration(run)}</td>
      <td>
        <span class="with-sparkline">
          <Sparkline
            values={completed}
            kind="completed"
            label={`${compact(sum(completed))} completed in the last ${series.minutes} minutes`}
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
