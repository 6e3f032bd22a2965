import type { JobAnswer } from "../../../src/api.ts";
import { useNow } from "../clock.ts";
import { fullMoment, moment } from "../format.ts";

interface Entry {
  readonly at: string;
  readonly text: string;
}

/** All that has happened to it, in the order in which it happened. */
export function History({ answer }: { answer: JobAnswer }) {
  const now = useNow(60_000);
  const entries = entriesOf(answer);
  return (
    <section class="panel" aria-labelledby="events">
      <h2 id="events">Events</h2>
      <ol class="history">
        {entries.map(({ at, text }) => (
          <li key={`${at} ${text}`}>
            <time dateTime={at} title={fullMoment(Date.parse(at))}>
              {moment(Date.parse(at), now)}
            </time>
            <span>{text}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

const ends = {
  completed: "completed",
  dead: "failed for good",
  cancelled: "was cancelled",
  failed: "failed",
  snoozed: "was put off",
  lost: "was lost",
  released: "was handed back",
  running: "",
} as const;

function entriesOf({ job, attempts, steps }: JobAnswer): readonly Entry[] {
  const entries: Entry[] = [{ at: job.createdAt, text: `Enqueued into ${job.queue}.` }];
  for (const { attempt, worker, startedAt, finishedAt, outcome, error } of attempts) {
    entries.push({ at: startedAt, text: `Attempt ${attempt} began on ${worker}.` });
    if (finishedAt !== null)
      entries.push({
        at: finishedAt,
        text: `Attempt ${attempt} ${ends[outcome]}${error ? `: ${error.message}` : "."}`,
      });
  }
  for (const { name, kind, state, startedAt, finishedAt, event } of steps) {
    if (kind === "event" && event)
      entries.push({ at: startedAt, text: `${name} began to wait for ${event.name} (${event.key}).` });
    else if (kind === "sleep") entries.push({ at: startedAt, text: `${name} began to sleep.` });
    else if (kind === "run") entries.push({ at: startedAt, text: `${name} began to run children.` });
    if (finishedAt !== null)
      entries.push({ at: finishedAt, text: `${name} ${state === "failed" ? "failed" : "was done"}.` });
  }
  if (job.cancelledAt !== null) entries.push({ at: job.cancelledAt, text: "Told to stop." });
  if (job.finishedAt !== null) entries.push({ at: job.finishedAt, text: `It is ${job.state}.` });
  // Stable: what has the same time stays in the order of telling.
  return entries.sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
}
