import type { WorkerView } from "../../../src/api.ts";
import { duration } from "../format.ts";
import { useLook } from "../look.ts";
import { Ago, Lasted } from "../parts/ago.tsx";
import { Heading } from "../parts/heading.tsx";
import { JobLink } from "../parts/link.tsx";
import { Empty, Seen } from "../parts/notice.tsx";
import { Scrolled } from "../parts/scrolled.tsx";
import { State } from "../parts/state.tsx";

export function Workers() {
  const look = useLook("api/workers");
  return (
    <>
      <Heading
        title="Workers"
        lead="Who runs what. A worker that falls silent loses its jobs to others when its lease ends."
      />
      <Seen look={look}>
        {({ workers }) =>
          workers.length === 0 ? (
            <Empty title="No worker has been seen within the last hour.">
              <p>
                Jobs wait until one is started: <code>await worker.run()</code> in a process of its own.
              </p>
            </Empty>
          ) : (
            <ul class="groups">
              {[...workers].sort(worstFirst).map((worker) => (
                <WorkerCard key={worker.id} worker={worker} />
              ))}
            </ul>
          )
        }
      </Seen>
    </>
  );
}

const rank = { silent: 0, running: 1, stopped: 2 };
const worstFirst = (one: WorkerView, other: WorkerView) =>
  rank[one.state] - rank[other.state] || other.running - one.running || one.label.localeCompare(other.label);

function WorkerCard({ worker }: { worker: WorkerView }) {
  const { label, state, queues, names, concurrency, leaseMs, running, jobs } = worker;
  return (
    <li class={`panel group is-${state}`}>
      <div class="panel-head">
        <h2>
          <span class="name">{label}</span>
        </h2>
        <State word={state} />
      </div>
      <dl class="facts is-inner">
        <div>
          <dt>Runs</dt>
          <dd>
            {running} of {concurrency}
          </dd>
        </div>
        <div>
          <dt>Last heartbeat</dt>
          <dd>
            {duration(worker.silentMs)} ago <span class="hint">of a lease of {duration(leaseMs)}</span>
          </dd>
        </div>
        <div>
          <dt>{state === "stopped" ? "Stopped" : "Started"}</dt>
          <dd>
            <Ago at={worker.stoppedAt ?? worker.startedAt} />
          </dd>
        </div>
        <div>
          <dt>Queues</dt>
          <dd class="name">{queues.length === 0 ? "all" : queues.join(", ")}</dd>
        </div>
        <div class="is-long">
          <dt>Handles</dt>
          <dd class="name">{names.length === 0 ? "nothing" : names.join(", ")}</dd>
        </div>
      </dl>
      {jobs.length > 0 && (
        <Scrolled label={`What ${label} runs`}>
          <table>
            <thead>
              <tr>
                <th scope="col">Job</th>
                <th scope="col">Name</th>
                <th scope="col">Queue</th>
                <th scope="col">Attempt</th>
                <th scope="col">For</th>
              </tr>
            </thead>
            <tbody>
              {jobs.map((job) => (
                <tr key={job.id}>
                  <td>
                    <JobLink id={job.id} label={`Job ${job.id}`} />
                  </td>
                  <td class="name">{job.name}</td>
                  <td class="name">{job.queue}</td>
                  <td>{job.attempt}</td>
                  <td>{job.startedAt === null ? "not begun" : <Lasted from={job.startedAt} to={null} />}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scrolled>
      )}
    </li>
  );
}
