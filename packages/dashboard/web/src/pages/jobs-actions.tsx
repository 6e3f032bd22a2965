import type { JobsFilter, JobsTarget } from "../../../src/api.ts";
import { plural } from "../format.ts";
import { propose } from "../parts/plan.ts";
import { filterText } from "./jobs-filter.tsx";

interface Whom {
  readonly filter: JobsFilter;
  readonly ids: readonly string[];
  readonly onDone: () => void;
}

/** What can be done about the jobs that are ticked, else about all that the filter takes. */
export function JobsActions({ filter, ids, onDone }: Whom) {
  const none = ids.length === 0 && Object.keys(filter).length === 0;
  const whom = ids.length > 0 ? `${plural(ids.length, "ticked job")}` : filterText(filter);
  return (
    <fieldset class="bulk" disabled={none}>
      <legend class="visually-hidden">Actions</legend>
      <button type="button" onClick={() => retryJobs({ filter, ids, onDone })}>
        Retry …
      </button>
      <button type="button" onClick={() => rescheduleJobs({ filter, ids, onDone })}>
        Reschedule …
      </button>
      <button type="button" onClick={() => cancelJobs({ filter, ids, onDone })}>
        Cancel …
      </button>
      <span class="hint">{none ? "Tick jobs, or set a filter, to act on them." : whom}</span>
    </fieldset>
  );
}

const target = ({ ids, filter }: Whom): JobsTarget => (ids.length > 0 ? { ids } : { filter });
const again = (more: boolean) => (more ? " There are more: do it again to go on." : "");

export function retryJobs(whom: Whom) {
  propose({
    action: "retry",
    body: target(whom),
    verb: "Retry",
    title: whom.ids.length === 1 ? `Retry job ${whom.ids[0]}?` : "Retry these jobs?",
    counted: true,
    will: (jobs) => (
      <p>
        This brings back {jobs}, ready at once. Where the attempts are used up, there is one more. What was
        done before stays on record, and steps that are done are not done again.
      </p>
    ),
    did: ({ count, more }) => `${plural(count, "job is", "jobs are")} ready again.${again(more)}`,
    done: whom.onDone,
  });
}

export function cancelJobs(whom: Whom) {
  propose({
    action: "cancel",
    body: target(whom),
    verb: "Cancel",
    title: whom.ids.length === 1 ? `Cancel job ${whom.ids[0]}?` : "Cancel these jobs?",
    counted: true,
    final: true,
    will: (jobs) => (
      <p>
        This ends {jobs}: those that wait are cancelled at once, those that run are told to stop and end when
        their handler obeys. Cancelled jobs stay on record and can be retried.
      </p>
    ),
    did: ({ count, more }) =>
      `${plural(count, "job is", "jobs are")} cancelled, or told to stop.${again(more)}`,
    done: whom.onDone,
  });
}

export function rescheduleJobs(whom: Whom) {
  propose({
    action: "reschedule",
    body: { ...target(whom), delayMs: 0 },
    verb: "Reschedule",
    title: whom.ids.length === 1 ? `Reschedule job ${whom.ids[0]}?` : "Reschedule these jobs?",
    counted: true,
    time: true,
    will: (jobs) => <p>This moves {jobs}, those that wait, to another time.</p>,
    did: ({ count, more }) => `${plural(count, "job is", "jobs are")} moved.${again(more)}`,
    done: whom.onDone,
  });
}

export function runNow(id: string) {
  propose({
    action: "reschedule",
    body: { ids: [id], delayMs: 0 },
    verb: "Run now",
    title: `Run job ${id} now?`,
    counted: true,
    will: () => <p>It does not wait for its time any longer: the next free worker of its queue starts it.</p>,
    did: ({ count }) => (count > 0 ? `Job ${id} is ready.` : `Job ${id} does not wait any more.`),
  });
}
