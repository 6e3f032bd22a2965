import type { WorkerView } from "../../../src/api.ts";
import { plural } from "../format.ts";
import { Link } from "../parts/link.tsx";
import { State } from "../parts/state.tsx";

/** Who works, in a few lines: those that fell silent first. */
export function OverviewWorkers({ workers }: { workers: readonly Omit<WorkerView, "jobs">[] }) {
  const seen = workers.filter(({ state }) => state !== "stopped");
  const busy = seen.reduce((total, { running }) => total + running, 0);
  const room = seen
    .filter(({ state }) => state === "running")
    .reduce((total, { concurrency }) => total + concurrency, 0);
  return (
    <section class="panel" aria-labelledby="workers">
      <h2 id="workers">Workers</h2>
      {seen.length === 0 ? (
        <p class="hint">
          No worker is running: jobs wait until one is started. See <Link to="/workers">who has stopped</Link>
          .
        </p>
      ) : (
        <>
          <p class="figures">
            <strong>{seen.length}</strong> {seen.length === 1 ? "worker holds" : "workers hold"}{" "}
            {plural(busy, "job")} of {room} at most · <Link to="/workers">who runs what</Link>
          </p>
          <ul class="worker-line">
            {[...seen]
              .sort((one, other) => Number(other.state === "silent") - Number(one.state === "silent"))
              .slice(0, 12)
              .map(({ id, label, state, running, concurrency, queues }) => (
                <li key={id}>
                  <State word={state} />
                  <span class="name">{label}</span>
                  <span class="hint">
                    {running} of {concurrency} · {queues.length === 0 ? "all queues" : queues.join(", ")}
                  </span>
                </li>
              ))}
          </ul>
        </>
      )}
    </section>
  );
}
