import type { JobView } from "../../../src/api.ts";
import { Ago, Lasted } from "../parts/ago.tsx";
import { JobLink } from "../parts/link.tsx";
import { Scrolled } from "../parts/scrolled.tsx";
import { State } from "../parts/state.tsx";

interface JobsTableProps {
  readonly jobs: readonly JobView[];
  readonly chosen: ReadonlySet<string>;
  /** Undefined: nothing can be done about them. */
  readonly onChoose: ((chosen: ReadonlySet<string>) => void) | undefined;
}

export function JobsTable({ jobs, chosen, onChoose }: JobsTableProps) {
  const all = jobs.every(({ id }) => chosen.has(id));
  return (
    <Scrolled label="The jobs">
      <table class="jobs">
        <thead>
          <tr>
            {onChoose && (
              <th class="choose">
                <input
                  type="checkbox"
                  aria-label="All on this page"
                  checked={all}
                  onChange={() => onChoose(new Set(all ? [] : jobs.map(({ id }) => id)))}
                />
              </th>
            )}
            <th scope="col">State</th>
            <th scope="col">Job</th>
            <th scope="col">Name</th>
            <th scope="col">Queue</th>
            <th scope="col">Attempt</th>
            <th scope="col">When</th>
          </tr>
        </thead>
        <tbody>
          {jobs.map((job) => (
            <tr key={job.id}>
              {onChoose && (
                <td class="choose">
                  <input
                    type="checkbox"
                    aria-label={`Job ${job.id}`}
                    checked={chosen.has(job.id)}
                    onChange={() => {
                      const next = new Set(chosen);
                      if (!next.delete(job.id)) next.add(job.id);
                      onChoose(next);
                    }}
                  />
                </td>
              )}
              <td>
                <State word={job.state} />
              </td>
              <td>
                <JobLink id={job.id} label={`Job ${job.id}, ${job.name}`} />
              </td>
              <td class="job-name">
                <span class="name">{job.name}</span>
                {job.error && (
                  <span class="job-error">
                    {job.error.name}: {job.error.message}
                  </span>
                )}
              </td>
              <td class="name">{job.queue}</td>
              <td class="number-left">
                {job.attempt}
                {job.maxAttempts !== null && <span class="hint"> of {job.maxAttempts}</span>}
              </td>
              <td class="when">
                <When job={job} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scrolled>
  );
}

/** The moment that matters in its state. */
function When({ job }: { job: JobView }) {
  if (job.cancelledAt !== null && job.finishedAt === null) return <>told to stop</>;
  if (job.finishedAt !== null) return <Ago at={job.finishedAt} />;
  if (job.state === "scheduled") return <Ago at={job.runAt} />;
  if (job.state === "ready")
    return (
      <>
        waits <Lasted from={job.runAt} to={null} />
      </>
    );
  return <Ago at={job.runAt} />;
}
