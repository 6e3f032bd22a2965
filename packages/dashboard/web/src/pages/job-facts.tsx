import type { ComponentChildren } from "preact";
import type { JobView, StepView } from "../../../src/api.ts";
import { Ago } from "../parts/ago.tsx";
import { JobLink, jobsPage, Link } from "../parts/link.tsx";

/** What is known of a job at a glance; what it does not have is left out. */
export function JobFacts({ job, waiting }: { job: JobView; waiting: StepView | undefined }) {
  const fact = (name: string, value: ComponentChildren) => (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
  return (
    <dl class="panel facts">
      {fact("Attempts used", job.maxAttempts === null ? job.attempt : `${job.attempt} of ${job.maxAttempts}`)}
      {fact("Enqueued", <Ago at={job.createdAt} />)}
      {waiting && job.finishedAt === null && fact("Waits in step", waiting.name)}
      {job.finishedAt === null
        ? !waiting && fact(job.state === "scheduled" ? "Runs" : "Ready", <Ago at={job.runAt} />)
        : fact("Finished", <Ago at={job.finishedAt} />)}
      {job.cancelledAt !== null &&
        job.finishedAt === null &&
        fact("Told to stop", <Ago at={job.cancelledAt} />)}
      {job.startBefore !== null && fact("Starts before", <Ago at={job.startBefore} />)}
      {job.priority !== 0 && fact("Priority", job.priority)}
      {job.version !== 1 && fact("Version", job.version)}
      {job.uniqueKey !== null && fact("Unique key", <code>{job.uniqueKey}</code>)}
      {job.partitionKey !== null &&
        fact(
          "Partition key",
          <Link to={jobsPage({ queue: job.queue, partitionKey: job.partitionKey })}>
            <code>{job.partitionKey}</code>
          </Link>,
        )}
      {job.parent !== null && fact("Parent", <JobLink id={job.parent} />)}
      {fact("Others", <Link to={jobsPage({ name: job.name })}>all of this name</Link>)}
    </dl>
  );
}
