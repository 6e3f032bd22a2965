import type { JobAnswer } from "../../../src/api.ts";
import { useBoard } from "../board.ts";
import { useLook } from "../look.ts";
import { ErrorBlock } from "../parts/error-block.tsx";
import { Heading } from "../parts/heading.tsx";
import { JobLink } from "../parts/link.tsx";
import { Seen } from "../parts/notice.tsx";
import { State } from "../parts/state.tsx";
import { Attempts } from "./job-attempts.tsx";
import { JobFacts } from "./job-facts.tsx";
import { History } from "./job-history.tsx";
import { Steps } from "./job-steps.tsx";
import { Values } from "./job-values.tsx";
import { cancelJobs, rescheduleJobs, retryJobs, runNow } from "./jobs-actions.tsx";

export function JobPage({ id }: { id: string }) {
  const look = useLook("api/jobs/:id", { id });
  const job = look.data?.job;
  return (
    <>
      <Heading
        title={job ? job.name : `Job ${id}`}
        tab={job ? `${job.name} ${id}` : `Job ${id}`}
        lead={
          job && (
            <>
              <State word={job.state} /> · job {id} · queue <span class="name">{job.queue}</span>
            </>
          )
        }
      >
        {look.data && <JobActions answer={look.data} />}
      </Heading>
      <Seen look={look}>{(answer) => <Everything answer={answer} />}</Seen>
    </>
  );
}

function Everything({ answer }: { answer: JobAnswer }) {
  const { job, attempts, steps, children } = answer;
  const latest = attempts.findLast(({ error }) => error !== null);
  const error = job.state === "dead" ? (job.error ?? latest?.error) : latest?.error;
  return (
    <>
      {error && job.state !== "completed" && (
        <section class={`panel why ${job.state === "dead" ? "is-dead" : ""}`} aria-labelledby="why">
          <h2 id="why">{job.state === "dead" ? "Why it is dead" : "Why the last attempt failed"}</h2>
          <ErrorBlock error={error} open />
        </section>
      )}
      <JobFacts job={job} waiting={steps.find(({ state }) => state === "waiting")} />
      {steps.length > 0 && <Steps steps={steps} jobs={children} />}
      <Attempts attempts={attempts} job={job} />
      {children.length > 0 && (
        <section class="panel" aria-labelledby="children">
          <h2 id="children">Children</h2>
          <ul class="children">
            {children.map((child) => (
              <li key={child.id}>
                <State word={child.state} /> <JobLink id={child.id} /> <span class="name">{child.name}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      <Values job={job} steps={steps} />
      <History answer={answer} />
    </>
  );
}

/** Only what its state allows. */
function JobActions({ answer: { job, steps } }: { answer: JobAnswer }) {
  const { readOnly } = useBoard();
  if (readOnly) return null;
  const whom = { filter: {}, ids: [job.id], onDone: () => {} };
  const ended = job.finishedAt !== null;
  // What waits inside a step wakes by itself, and would only wait again.
  const waits =
    (job.state === "scheduled" || job.state === "ready") && !steps.some(({ state }) => state === "waiting");
  return (
    <>
      {job.state === "scheduled" && waits && (
        <button type="button" class="is-main" onClick={() => runNow(job.id)}>
          Run now
        </button>
      )}
      {ended && (
        <button type="button" class={job.state === "dead" ? "is-main" : ""} onClick={() => retryJobs(whom)}>
          Retry
        </button>
      )}
      {waits && (
        <button type="button" onClick={() => rescheduleJobs(whom)}>
          Reschedule
        </button>
      )}
      {!ended && (
        <button type="button" onClick={() => cancelJobs(whom)}>
          Cancel
        </button>
      )}
    </>
  );
}
